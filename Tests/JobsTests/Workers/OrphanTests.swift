import Foundation
import Jobs
import Testing

@Suite(.timeLimit(.minutes(2)))
struct OrphanTests {
    @Test("killing a pool's process with -9 leaves neither workers nor their programs")
    func killedParent() async throws {
        let parent = Process()
        parent.executableURL = URL(fileURLWithPath: FixtureExecutable.path)
        parent.arguments = ["busy-all", "grandchild-group"]
        let output = Pipe()
        parent.standardOutput = output
        parent.standardError = FileHandle.nullDevice
        let (texts, continuation) = AsyncStream.makeStream(of: String.self)
        output.fileHandleForReading.readabilityHandler = {
            continuation.yield(String(decoding: $0.availableData, as: UTF8.self))
        }
        try parent.run()
        var text = ""
        for await part in texts {
            text += part
            if text.count(where: { $0 == "\n" }) == 3 { break }  // Two workers and the grandchild.
        }
        output.fileHandleForReading.readabilityHandler = nil
        let pids = text.split(separator: "\n").compactMap { $0.split(separator: " ").last.flatMap { Int32($0) } }
        #expect(pids.count == 3 && pids.allSatisfy(isAlive))
        kill(pid: parent.processIdentifier)
        for pid in pids { try await until("\(pid) is dead", within: .seconds(2)) { !isAlive(pid) } }
    }
}
