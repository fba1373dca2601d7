import Dispatch
import Foundation
import Synchronization
import Testing

@testable import DashCLI

@Suite("Watched sources")
struct SourceTreeTests {
    /// A temporary folder of one test.
    private final class Folder: Sendable {
        let path = NSTemporaryDirectory() + "dash-swift-sources-" + UUID().uuidString

        func write(_ name: String, _ text: String = "x", time: Double? = nil) throws {
            let url = URL(fileURLWithPath: path).appendingPathComponent(name)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data(text.utf8).write(to: url)
            guard let time else { return }
            let date = Date(timeIntervalSince1970: time)
            try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: url.path)
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    @Test(
        "Files of the program are included",
        arguments: [
            "Package.swift", "Package.resolved", "Sources/App/main.swift", "Sources/App/data/cities.json", "Lib/a.c",
        ]
    )
    func counts(name: String) throws {
        let folder = Folder()
        try folder.write("Package.swift", time: 1)
        let before = SourceTree(package: folder.path)
        try folder.write(name, "another text", time: 2_000_000_000)
        let changed = SourceTree(package: folder.path)
        #expect(changed != before)
        try FileManager.default.removeItem(atPath: folder.path + "/" + name)
        #expect(SourceTree(package: folder.path) != changed)
    }

    @Test(
        "Other files are not",
        arguments: [
            ".build/debug/x.swift", "out/x.swift", "Tests/AppTests/a.swift", "assets/look.css",
            "Sources/App/assets/code.js",
            "README.md", "Sources/App/.main.swift.swp", "Sources/App/main.swift~", "node_modules/a/b.c",
        ]
    )
    func countsNot(name: String) throws {
        let folder = Folder()
        try folder.write("Package.swift", time: 1)
        let before = SourceTree(package: folder.path, build: folder.path + "/out")
        try folder.write(name)
        #expect(SourceTree(package: folder.path, build: folder.path + "/out") == before)
    }

    @Test("All files of an additional folder are included")
    func further() throws {
        let (folder, other) = (Folder(), Folder())
        try folder.write("Package.swift")
        try other.write("notes.txt", "1")
        let before = SourceTree(package: folder.path, further: [other.path])
        try other.write("notes.txt", "12")
        #expect(SourceTree(package: folder.path, further: [other.path]) != before)
    }

    @Test("A change is reported once, when the sources are stable")
    func watch() throws {
        let folder = Folder()
        try folder.write("Package.swift", time: 1)
        // One snapshot per poll.
        let looks = try [1.0, 1, 2, 3, 3, 3, 4, 4, 4].map { time in
            try folder.write("Package.swift", time: time)
            return SourceTree(package: folder.path)
        }
        let seen = Mutex(0), reported = Mutex<[Int]>([])
        let end = DispatchSemaphore(value: 0)
        let watch = SourceWatch(
            look: {
                seen.withLock { count in
                    count += 1
                    if count == looks.count { end.signal() }
                    return looks[count - 1]
                }
            },
            pause: 0.001
        )
        watch.run(until: end) { reported.withLock { $0.append(seen.withLock { $0 }) } }
        #expect(reported.withLock { $0 } == [5, 8])
    }
}
