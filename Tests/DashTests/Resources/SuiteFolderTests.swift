import Testing

@testable import Dash

@Suite("Locating the suites")
struct SuiteFolderTests {
    private let folder: SuitesFolder

    init() throws { folder = try SuitesFolder() }

    private func install(in name: String, lock: SuiteLock = .pinned) throws {
        try folder.write(SuiteStamp(of: lock).text, to: name + "/" + SuiteStamp.fileName)
    }

    private var cache: [String: String] { ["XDG_CACHE_HOME": folder.path + "/cache"] }
    private var cacheName: String { "cache/dash-swift/suites-\(SuiteLock.pinned.digest.prefix(12))" }

    @Test("Order: DASH_SUITES, the executable's folder, the working folder, the cache")
    func order() throws {
        var environment = cache
        try install(in: cacheName)
        #expect(try SuiteFolder.locate(search: folder.search(environment)).path == "\(folder.path)/\(cacheName)")
        try install(in: "work/.dash/suites")
        #expect(try SuiteFolder.locate(search: folder.search(environment)).path == folder.path + "/work/.dash/suites")
        try install(in: "bin/suites")
        #expect(try SuiteFolder.locate(search: folder.search(environment)).path == folder.path + "/bin/suites")
        try install(in: "work/named")
        environment["DASH_SUITES"] = "named"
        #expect(try SuiteFolder.locate(search: folder.search(environment)).path == folder.path + "/work/named")
    }

    @Test("Without XDG_CACHE_HOME the cache is in the home folder")
    func home() throws {
        let leaf = ".cache/dash-swift/suites-\(SuiteLock.pinned.digest.prefix(12))"
        try install(in: leaf)
        let search = folder.search(["HOME": folder.path, "XDG_CACHE_HOME": "not/absolute"])
        #expect(try SuiteFolder.locate(search: search).path == folder.path + "/" + leaf)
    }

    @Test("A folder without a stamp, with an older lock or another layout is skipped")
    func passOver() throws {
        try install(in: "bin/suites", lock: SuiteLock(wheels: Array(SuiteLock.pinned.wheels.dropLast())))
        try folder.write("something", to: "work/.dash/suites/dash/favicon.ico")
        try folder.write("other layout\n" + SuiteLock.pinned.text, to: cacheName + "/" + SuiteStamp.fileName)
        let error = #expect(throws: SuiteError.self) { try SuiteFolder.locate(search: folder.search(cache)) }
        #expect(error?.code == .notInstalled)
        #expect(error?.message.contains("dash-swift install") == true)
        #expect(error?.cause.contains(cacheName) == true)
    }

    @Test("A folder with additional wheels is accepted")
    func more() throws {
        var lock = SuiteLock.pinned
        lock.add(SuiteWheel(name: "dash-daq", version: "1", sha256: String(repeating: "0", count: 64)))
        try install(in: "bin/suites", lock: lock)
        #expect(try SuiteFolder.locate(search: folder.search()).path == folder.path + "/bin/suites")
    }

    @Test("The suggested command names the locks of an app's own suites")
    func ownSuites() {
        var lock = SuiteLock.pinned
        lock.add(SuiteWheel(name: "dash-daq", version: "1", sha256: String(repeating: "0", count: 64)))
        let error = #expect(throws: SuiteError.self) { try SuiteFolder.locate(lock, search: folder.search()) }
        #expect(error?.message.hasSuffix("install --lock (the suites.lock that was generated for dash-daq)") == true)
    }

    @Test("DASH_SUITES without the suites is an error; no other folder is searched")
    func wrongName() throws {
        try install(in: "bin/suites")
        let search = folder.search(["DASH_SUITES": folder.path + "/none"])
        let error = #expect(throws: SuiteError.self) { try SuiteFolder.locate(search: search) }
        #expect(error?.code == .wrongFolder)
        #expect(error?.message.contains("--into \(folder.path)/none") == true)
    }

    @Test("Suites are installed in DASH_SUITES, otherwise in the cache")
    func target() throws {
        #expect(try SuiteFolder.defaultTarget(search: folder.search(["DASH_SUITES": "/x"])) == "/x")
        #expect(try SuiteFolder.defaultTarget(search: folder.search(cache)) == "\(folder.path)/\(cacheName)")
        let error = #expect(throws: SuiteError.self) { try SuiteFolder.defaultTarget(search: folder.search()) }
        #expect(error?.code == .storage)
    }
}
