import Foundation
import GRDB
import Jobs
import JobsSQLite
import Testing

@Suite("The folder of a store")
struct FolderTests {
    @Test("is readable only by its owner")
    func modes() async throws {
        let folder = TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let store = SQLiteJobStore(folder: folder.path)
        _ = try await store.open()
        #expect(try mode(folder.path) == 0o700)
        for file in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
            #expect(try mode(folder.path + "/" + file) == 0o600, "\(file)")
        }
        await store.close()
    }

    @Test("a second store gets an error with the folder and a remedy, until the first is closed")
    func lock() async throws {
        let folder = TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let first = SQLiteJobStore(folder: folder.path)
        _ = try await first.open()
        let second = SQLiteJobStore(folder: folder.path)
        let error = await #expect(throws: JobsError.self) { try await second.open() }
        #expect(error?.code == .folderInUse)
        #expect(error?.message.contains(folder.path) == true)
        #expect(error?.message.contains("process \(getpid())") == true)
        #expect(error?.message.contains("DASH_DATA_DIR") == true)
        await first.close()
        #expect(try await second.open().isEmpty)
        await second.close()
    }

    @Test("parent folders are created")
    func nested() async throws {
        let folder = TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let store = SQLiteJobStore(folder: folder.path + "/a/b")
        _ = try await store.open()
        #expect(try mode(folder.path + "/a/b") == 0o700)
        await store.close()
    }

    @Test("a folder that cannot be created is an error with its path and the reason")
    func notAFolder() async throws {
        let folder = TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        try Data().write(to: URL(filePath: folder.path))
        let store = SQLiteJobStore(folder: folder.path + "/in")
        let error = await #expect(throws: JobsError.self) { try await store.open() }
        #expect(error?.code == .storage)
        #expect(error?.message == "Could not create the folder \(folder.path)/in: Not a directory.")
    }

    @Test("a damaged file is an error, and is left unchanged")
    func damaged() async throws {
        let folder = TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        let text = Data(String(repeating: "no database. ", count: 1000).utf8)
        try text.write(to: URL(filePath: folder.file))
        let store = SQLiteJobStore(folder: folder.path)
        let error = await #expect(throws: JobsError.self) { try await store.open() }
        #expect(error?.code == .storage)
        #expect(error?.message == "\(folder.file) is damaged or not a job database. Move it away to start anew.")
        #expect(try Data(contentsOf: URL(filePath: folder.file)) == text)
    }

    @Test("a file of a newer version is an error")
    func newerVersion() async throws {
        let folder = TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let store = SQLiteJobStore(folder: folder.path)
        _ = try await store.open()
        await store.close()
        let queue = try DatabaseQueue(path: folder.file)
        try await queue.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('99: the future')") }
        try queue.close()
        let error = await #expect(throws: JobsError.self) { try await store.open() }
        #expect(error?.message.contains("newer version") == true)
    }

    @Test("a closed store throws")
    func closed() async throws {
        let store = SQLiteJobStore(folder: TemporaryFolder().path)
        let error = await #expect(throws: JobsError.self) { try await store.write([]) }
        #expect(error?.code == .stopped)
    }

    private func mode(_ path: String) throws -> Int {
        try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }
}
