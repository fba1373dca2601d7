import CDashSpawn
import Dispatch
import Testing

@testable import Jobs

@Suite(.timeLimit(.minutes(2)))
struct SlowPoolTests {
    @Test("F21: a job that floods a pool that does not read with patches is stopped and fails as too large")
    func patchesWithoutEnd() async throws {
        // Neither end is closed: a worker without a pool ends its process.
        let ends = try DescriptorPair("Making a socket pair", dash_socket_pair)
        let (stopped, continuation) = AsyncStream.makeStream(of: Void.self)
        let runtime = WorkerRuntime(descriptor: ends.second, mostBytes: 1 << 20) { _, channel in
            let patch = #"[["a","x",{"__dash_patch_update":"__dash_patch_update","operations":[]}]]"#
            while !Task.isCancelled { channel.setProps(Array(patch.utf8)) }
            continuation.finish()
            return []
        }
        #expect(runtime.start(buildID: "build"))
        let job = Frame.job(run: 1, WorkerTask(id: "1", name: "patches")).bytes
        #expect(dash_write_all(ends.first, job, job.count))
        for await _ in stopped {}
        #expect(await end(ends.first) == .failed(run: 1, .updatesTooLarge(1 << 20)))
    }

    /// Reads up to the final frame of the run.
    private func end(_ descriptor: Int32) async -> Frame? {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                while let frame = Self.frame(descriptor) {
                    if case .setProps = frame { continue }
                    if frame == .ready(buildID: "build") || frame == .started(run: 1) { continue }
                    return continuation.resume(returning: frame)
                }
                continuation.resume(returning: nil)
            }
        }
    }

    private static func frame(_ descriptor: Int32) -> Frame? {
        var header: [UInt8] = [0, 0, 0, 0]
        guard dash_read_all(descriptor, &header, 4) else { return nil }
        var body = [UInt8](repeating: 0, count: Frame.length(header))
        guard dash_read_all(descriptor, &body, body.count) else { return nil }
        return try? Frame(body)
    }
}
