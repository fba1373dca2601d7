import DashJSON
import Foundation

@testable import CeleryProtocol
@testable import JobsCelery

/// A remote control request and its reply, recorded from Celery.
struct RecordedControl: Sendable, CustomStringConvertible {
    /// `redis/pidbox-ping`
    var name: String
    var request: BrokerMessage
    /// The reply, if any.
    var reply: BrokerMessage?

    var description: String { name }

    /// The node's value in the reply.
    var answer: JSON { reply.map { RecordedFixture.body($0)["worker1@host"] } ?? .null }

    static let all: [RecordedControl] = RecordedFixture.names(beginningWith: "pidbox-").compactMap(RecordedControl.init)

    static func named(_ name: String) -> RecordedControl? { all.first { $0.name == name } }

    private init?(_ name: String) {
        guard let fixture = RecordedFixture.read(name) else { return nil }
        self.name = name
        let sent = fixture["frames"].isNull ? Self.overRedis(fixture) : Self.overRabbitMQ(fixture)
        guard let request = sent.first(where: { $0.exchange == "celery.pidbox" }) else { return nil }
        self.request = request
        reply = sent.first { $0.exchange == "reply.celery.pidbox" }
    }

    private static func overRedis(_ fixture: JSON) -> [BrokerMessage] {
        (fixture["request"].orElements + fixture["replies"].orElements).map { RecordedFixture.message($0["envelope"]) }
    }

    private static func overRabbitMQ(_ fixture: JSON) -> [BrokerMessage] {
        fixture["frames"].orElements
            .filter { $0["method"] == "basic.publish" && $0["dir"] == "C" }
            .map { frame in
                BrokerMessage(
                    headers: frame["properties"]["headers"].objectValue ?? JSONObject(),
                    body: Array((frame["body"].stringValue ?? "").utf8),
                    routingKey: frame["args"]["routing_key"].stringValue ?? "",
                    exchange: frame["args"]["exchange"].stringValue ?? "",
                    isPersistent: frame["properties"]["delivery_mode"] == 2
                )
            }
    }
}

/// The files of Tests/Fixtures/Celery.
enum RecordedFixture {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures/Celery")

    /// The sorted names of files with a prefix, such as `redis/pidbox-ping`.
    static func names(beginningWith prefix: String) -> [String] {
        ["redis", "rabbitmq"].flatMap { transport in
            let files =
                (try? FileManager.default.contentsOfDirectory(atPath: folder.appending(path: transport).path)) ?? []
            return files.filter { $0.hasPrefix(prefix) }.sorted().map { "\(transport)/\($0.dropLast(".json".count))" }
        }
    }

    static func read(_ name: String) -> JSON? {
        guard let data = try? Data(contentsOf: folder.appending(path: name + ".json")) else { return nil }
        return try? JSON(parsing: Array(data))
    }

    /// Reads a Redis envelope.
    static func message(_ envelope: JSON) -> BrokerMessage {
        let place = envelope["properties"]["delivery_info"]
        return BrokerMessage(
            headers: envelope["headers"].objectValue ?? JSONObject(),
            body: Data(base64Encoded: envelope["body"].stringValue ?? "").map { Array($0) } ?? [],
            routingKey: place["routing_key"].stringValue ?? "",
            exchange: place["exchange"].stringValue ?? "",
            isPersistent: envelope["properties"]["delivery_mode"] == 2
        )
    }

    static func body(_ message: BrokerMessage) -> JSON {
        (try? JSON(parsing: message.body)) ?? .null
    }
}
