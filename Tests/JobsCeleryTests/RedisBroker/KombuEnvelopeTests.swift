import DashJSON
import Foundation
import Support
import Testing

@testable import CeleryProtocol
@testable import JobsCelery

@Suite("A message in kombu's format")
struct KombuEnvelopeTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(
        path: "../../Fixtures/Celery/redis"
    )

    static let names: [String] =
        (try? FileManager.default.contentsOfDirectory(atPath: folder.standardized.path))?
        .filter { $0.hasPrefix("task-") }.sorted() ?? []

    static func fixture(_ name: String) throws -> JSON {
        try JSON(parsing: Array(Data(contentsOf: folder.appending(path: name).standardized)))
    }

    @Test("is read from each recording", arguments: names)
    func recorded(_ name: String) throws {
        let fixture = try Self.fixture(name)
        for message in Self.messages(in: fixture) {
            let (task, isRedelivered) = try KombuEnvelope.decode(Array(message.utf8))
            let envelope = try JSON(parsing: message)
            #expect(JSON.object(task.headers) == envelope["headers"])
            #expect(task.contentType == "application/json" && task.contentEncoding == "utf-8")
            let information = envelope["properties"]["delivery_info"]
            #expect(task.routingKey == information["routing_key"].stringValue && task.exchange == "")
            #expect(task.correlationID == envelope["properties"]["correlation_id"].stringValue)
            #expect(task.priority == envelope["properties"]["priority"].intValue)
            #expect(isRedelivered == (envelope["headers"]["redelivered"] == true))
            if task.headers["compression"] == nil { _ = try JSON(parsing: task.body) }
        }
    }

    @Test("is written with kombu's members, in its order, with the same values", arguments: names)
    func written(_ name: String) throws {
        for message in Self.messages(in: try Self.fixture(name)) {
            let original = Self.withoutExpiration(try JSON(parsing: message))
            let (task, isRedelivered) = try KombuEnvelope.decode(original)
            guard !isRedelivered, let tag = original["properties"]["delivery_tag"].stringValue else { continue }
            let copy = try JSON(parsing: KombuEnvelope.encode(task, tag: tag))
            #expect(copy == original)
            #expect(copy.objectValue?.keys == original.objectValue?.keys)
            #expect(copy["properties"].objectValue?.keys == original["properties"].objectValue?.keys)
        }
    }

    /// Kombu also copies the expiry to the properties, where Redis consumers do not read it; it is not written here.
    private static func withoutExpiration(_ envelope: JSON) -> JSON {
        guard var members = envelope.objectValue, var properties = members["properties"]?.objectValue else {
            return envelope
        }
        properties["expiration"] = nil
        members["properties"] = .object(properties)
        return .object(members)
    }

    /// The messages of a recording: its `raw`, or all of `raws` and `messages`.
    private static func messages(in fixture: JSON) -> [String] {
        if let raw = fixture["raw"].stringValue { return [raw] }
        return (fixture["raws"].arrayValue ?? fixture["messages"].arrayValue ?? [])
            .compactMap { $0.stringValue ?? $0["raw"].stringValue }
    }

    @Test("has a unique tag")
    func tags() throws {
        let tags = try (0..<100).map { _ in
            try JSON(parsing: KombuEnvelope.encode(BrokerMessage()))["properties"]["delivery_tag"].stringValue ?? ""
        }
        #expect(Set(tags).count == 100 && tags.allSatisfy { $0.count == 36 })
    }

    @Test("is marked as redelivered when it is requeued, as by a recorded worker")
    func redelivered() throws {
        let entry = try #require(try Self.fixture("unacked-entry.json")["raw"].stringValue)
        let envelope = try KombuEnvelope.envelope(ofEntry: Array(entry.utf8))
        let again = KombuEnvelope.redelivered(envelope)
        #expect(again["headers"]["redelivered"] == true)
        #expect(again["properties"]["delivery_info"]["redelivered"] == true)
        #expect(again["body"] == envelope["body"])
        #expect(try KombuEnvelope.decode(again).isRedelivered)
        #expect(KombuEnvelope.redelivered(again) == again)
    }

    @Test("is read with a plain body and only the required members")
    func small() throws {
        let (task, _) = try KombuEnvelope.decode(
            Array(#"{"body":"[[],{},{}]","headers":{"task":"t","id":"1"},"properties":{}}"#.utf8)
        )
        #expect(task.body == Array("[[],{},{}]".utf8) && task.contentType == nil)
    }

    @Test(
        "is refused if it is invalid",
        arguments: [
            "", "hello", "[]", "{}", #"{"body":5}"#, #"{"body":"*","properties":{"body_encoding":"base64"}}"#,
            #"{"body":"x","properties":{"body_encoding":"rot13"}}"#,
        ]
    )
    func wrong(_ text: String) {
        #expect(throws: CeleryError.self) { try KombuEnvelope.decode(Array(text.utf8)) }
    }

    @Test("has a base64 body of any length")
    func base64() {
        for length in 0..<200 {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255) }
            let text = Base64.encode(bytes)
            #expect(text == Data(bytes).base64EncodedString())
            #expect(Base64.decode(text) == bytes)
        }
        #expect(
            Base64.decode("YQ") == [97] && Base64.decode("YWJ\r\nj") == Array("abc".utf8) && Base64.decode("a") == nil
        )
    }
}
