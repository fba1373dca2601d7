import DashJSON
import Testing

@testable import JobsCelery

extension CeleryBroker {
    /// Answers the first question that somebody asks of all.
    func answerOnce(_ requests: AsyncStream<RawTask>) async throws {
        for await message in requests {
            guard let request = try? ControlRequest(message), request.method == "hello" else { continue }
            let reply = try #require(request.reply(of: "other@host", ["revoked": ["x"]], clock: 1))
            return try await self.reply(reply)
        }
    }
}
