import DashJSON
import Testing

@testable import CeleryProtocol
@testable import JobsCelery

extension CeleryBroker {
    /// Replies to `hello` requests until the task is cancelled.
    func answer(_ requests: AsyncStream<BrokerMessage>) async throws {
        for await message in requests {
            guard let request = try? ControlRequest(message), request.method == "hello" else { continue }
            let reply = try #require(request.reply(of: "other@host", ["revoked": ["x"]], clock: 1))
            try await self.reply(reply)
        }
    }
}
