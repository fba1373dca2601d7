import Testing

@testable import Dash

@Suite("Where the suites are looked for")
struct SuiteFolderTests {
    private let folder: SuitesFolder

    init() throws { folder = try SuitesFolder() }

    private func install(in name: String, lock: SuiteLock = .pinned) throws {
        try folder.write(SuiteStamp(of: lock).text, to: name + "/" + SuiteStamp.fileName)
    }

    private var cache: [String: String] { ["XDG_CACHE_HOME": folder.path + "/cache"] }
    private var cacheName: String { "cache/dash-swift/suites-\(SuiteLock.pinned.digest.prefix(12))" }

    @Test("A folder by the name of DASH_SUITES comes first, then the executable's, the working folder's, the cache")
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

    @Test("Without a cache folder of its own the user's home has one")
    func home() throws {
        let leaf = ".cache/dash-swift/suites-\(SuiteLock.pinned.digest.prefix(12))"
        try install(in: leaf)
        let search = folder.search(["HOME": folder.path, "XDG_CACHE_HOME": "not/absolute"])
        #expect(try SuiteFolder.locate(search: search).path == folder.path + "/" + leaf)
    }

    @Test("A folder without stamp, with an older lock or another layout is passed over")
    func passOver() throws {
        try install(in: "bin/suites", lock: SuiteLock(wheels: Array(SuiteLock.pinned.wheels.dropLast())))
        try folder.write("something", to: "work/.dash/suites/dash/favicon.ico")
        try folder.write("other layout\n" + SuiteLock.pinned.text, to: cacheName + "/" + SuiteStamp.fileName)
        let error = #expect(throws: SuiteError.self) { try SuiteFolder.locate(search: folder.search(cache)) }
        #expect(error?.code == .notInstalled)
        #expect(error?.message.contains("dash-swift install") == true)
        #expect(error?.cause.contains(cacheName) == true)
    }

    @Test("A folder with more wheels than needed will do")
    func more() throws {
        var lock = SuiteLock.pinned
        lock.add(SuiteWheel(name: "dash-daq", version: "1", sha256: String(repeating: "0", count: 64)))
        try install(in: "bin/suites", lock: lock)
        #expect(try SuiteFolder.locate(search: folder.search()).path == folder.path + "/bin/suites")
    }

    @Test("The command to run names the locks of an app's own suites")
    func ownSuites() {
        var lock = SuiteLock.pinned
        lock.add(SuiteWheel(name: "dash-daq", version: "1", sha256: String(repeating: "0", count: 64)))
        let error = #expect(throws: SuiteError.self) { try SuiteFolder.locate(lock, search: folder.search()) }
        #expect(error?.message.hasSuffix("install --lock (the suites.lock that was generated for dash-daq)") == true)
    }

    @Test("DASH_SUITES without the suites is an error, not a reason to look elsewhere")
    func wrongName() throws {
        try install(in: "bin/suites")
        let search = folder.search(["DASH_SUITES": folder.path + "/none"])
        let error = #expect(throws: SuiteError.self) { try SuiteFolder.locate(search: search) }
        #expect(error?.code == .wrongFolder)
        #expect(error?.message.contains("--into \(folder.path)/none") == true)
    }

    @Test("Suites are installed where DASH_SUITES says, else in the cache")
    func target() throws {
        #expect(try SuiteFolder.defaultTarget(search: folder.search(["DASH_SUITES": "/x"])) == "/x")
        #expect(try SuiteFolder.defaultTarget(search: folder.search(cache)) == "\(folder.path)/\(cacheName)")
        let error = #expect(throws: SuiteError.self) { try SuiteFolder.defaultTarget(search: folder.search()) }
        #expect(error?.code == .storage)
    }
}
