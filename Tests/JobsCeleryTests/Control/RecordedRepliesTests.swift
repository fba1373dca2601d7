import DashJSON
import Logging
import Testing

@testable import CeleryProtocol
@testable import JobsCelery

/// Replies to remote control equal those of Celery 5.7, on both brokers, except the texts of errors.
@Suite struct RecordedRepliesTests {
    private static let notSupported = "the command is not supported: the reply is an error with another text"

    /// The allowed differences and their reasons.
    static let allowed: [String: [String: String]] = [
        "pidbox-stats": [
            "pool.implementation": "names the pool",
            "pool.writes": "Celery's pool distributes writes over pipes, which this pool does not have",
            "rusage": "not reported",
        ],
        "pidbox-report": ["ok": "contains the program's versions"],
        "pidbox-autoscale-off": ["error": notSupported], "pidbox-pool-restart-off": ["error": notSupported],
        "pidbox-unknown-command": ["error": "a sentence, not a Python exception"],
        "pidbox-rate-limit-bad": ["error": "a sentence, not a Python exception"],
        "pidbox-revoke-list": ["ok": "a set, which Python writes in any order"],
    ]

    @Test("replies to all recorded requests equal Celery's") func replies() async throws {
        try #require(RecordedControl.all.count == 42)
        var equal = 0
        for recorded in RecordedControl.all {
            let differences = try await differences(of: recorded)
            let file = recorded.name.split(separator: "/").last.map(String.init) ?? ""
            let allowed = Self.allowed[file] ?? [:]
            let unexpected = Differences.unexpected(differences, allowing: allowed.keys.map { "body.\($0)" })
            #expect(unexpected == [], "\(recorded.name) \(differences)")
            if unexpected.isEmpty { equal += 1 }
            for (path, reason) in allowed where differences.contains(where: { $0.hasPrefix("body.\(path)") }) {
                print("  \(recorded.name): \(path) differs: \(reason)")
            }
        }
        print("\(equal) of \(RecordedControl.all.count) replies equal, \(Self.allowed.count) with allowed differences")
    }

    /// Sends a request to a worker in the recorded state, and compares the whole reply.
    private func differences(of recorded: RecordedControl) async throws -> [String] {
        let state = RecordedState(for: recorded)
        let worker = ScriptedWorker(state.snapshot)
        let asked = ControlTestBench(
            worker: worker,
            broker: ScriptedBroker(state.broker),
            process: state.process,
            clock: state.clock - 2  // It receives its own `hello` and sends worker-online.
        )
        asked.revoked.insert(state.revoked)
        return try await asked.sending { broker in
            _ = await broker.events.stream.first { _ in true }
            broker.broadcast.continuation.yield(recorded.request)
            guard let reply = recorded.reply else {
                let call = await worker.asked.stream.first { _ in true }
                return call == "shutdown" ? [] : ["call"]
            }
            let ours = try #require(await broker.replies.stream.first { _ in true })
            return Differences.between(Self.parts(ours), Self.parts(Self.inMilliseconds(reply)))
        }
    }

    /// A message whose times in text are cut to milliseconds.
    private static func inMilliseconds(_ message: BrokerMessage) -> BrokerMessage {
        var message = message
        let text = String(decoding: message.body, as: UTF8.self)
        message.body = Array(text.replacing(/(\.\d{3})\d{3}\+00:00/) { "\($0.1)000+00:00" }.utf8)
        return message
    }

    private static func parts(_ message: BrokerMessage) -> JSON {
        [
            "headers": .object(message.headers), "body": RecordedFixture.body(message)["worker1@host"],
            "exchange": .string(message.exchange), "routing_key": .string(message.routingKey),
            "persistent": .bool(message.isPersistent), "content_type": .string(message.contentType ?? ""),
            "content_encoding": .string(message.contentEncoding ?? ""),
            "nodes": .array((RecordedFixture.body(message).objectValue?.keys ?? []).map { .string($0) }),
        ]
    }
}
