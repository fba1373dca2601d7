import Foundation
import Testing

@testable import Dash

@Suite("The data folder")
struct DataFolderTests {
    private func path(
        _ environment: [String: String],
        dataDir: String? = nil,
        executable: String = "/opt/app"
    ) -> String {
        DataFolder(dataDir: dataDir, executable: executable, environment: environment).path
    }

    @Test("A configured folder takes precedence")
    func theNamedFolder() {
        let environment = ["DASH_DATA_DIR": "/environment", "XDG_STATE_HOME": "/state", "HOME": "/home/ada"]
        #expect(path(environment) == "/environment")
        #expect(path(environment, dataDir: "/given") == "/given")
    }

    @Test("A relative path is relative to the working directory")
    func relativePaths() {
        let folder = path(["DASH_DATA_DIR": "jobs/../data"])
        #expect(folder == FileManager.default.currentDirectoryPath + "/data")
    }

    @Test("The default is in the state folder, otherwise in the home folder")
    func defaults() {
        #expect(path(["XDG_STATE_HOME": "/state", "HOME": "/home/ada"]).hasPrefix("/state/dash-swift/app-"))
        #expect(path(["HOME": "/home/ada"]).hasPrefix("/home/ada/.local/state/dash-swift/app-"))
        #expect(path(["DASH_DATA_DIR": "", "HOME": "/home/ada"]).hasPrefix("/home/ada/.local/state/dash-swift/app-"))
        // The specification says to ignore a relative path.
        #expect(path(["XDG_STATE_HOME": "state", "HOME": "/home/ada"]).hasPrefix("/home/ada/.local/state/"))
    }

    @Test("Executables with the same name have different folders, and each keeps its folder")
    func oneForEachExecutable() {
        let environment = ["HOME": "/home/ada"]
        #expect(path(environment, executable: "/a/app") != path(environment, executable: "/b/app"))
        #expect(path(environment, executable: "/a/app") == path(environment, executable: "/a/app"))
    }

    @Test("Missing folders are created with mode 0700; an existing folder keeps its mode")
    func modes() throws {
        let outer = try SuitesFolder()
        let folder = DataFolder(dataDir: outer.path + "/a/b", executable: "/opt/app", environment: [:])
        try folder.create()
        #expect(try mode(of: folder.path) == 0o700)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path)
        try folder.create()
        #expect(try mode(of: folder.path) == 0o755)
    }

    @Test("A file in place of the folder is an error with its path")
    func aFileInItsPlace() throws {
        let outer = try SuitesFolder()
        let file = try outer.write("", to: "data")
        for path in [file, file + "/below"] {
            let folder = DataFolder(dataDir: path, executable: "/opt/app", environment: [:])
            let error = #expect(throws: DashError.self) { try folder.create() }
            #expect(error?.code == .dataFolder)
            #expect(error?.message.contains(path) == true)
        }
    }

    private func mode(of path: String) throws -> Int? {
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber
        return mode.map { $0.intValue & 0o777 }
    }
}
