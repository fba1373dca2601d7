import DashJSON
import Foundation

@testable import CeleryProtocol
@testable import JobsCelery

/// Recordings of real Celery programs: the files of Tests/Fixtures/Celery.
enum Fixtures {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures/Celery")

    /// The sorted names of all files with a prefix such as `redis/task-`, without `.json`.
    static func names(_ beginning: String = "") -> [String] {
        ["redis", "rabbitmq"].flatMap { transport in
            let path = folder.appending(path: transport).path
            let files = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
            return files.sorted().map { "\(transport)/\($0.replacing(".json", with: ""))" }
        }
        .filter { $0.hasPrefix(beginning) }
    }

    static func read(_ name: String) throws -> JSON {
        try JSON(parsing: Array(Data(contentsOf: folder.appending(path: "\(name).json"))))
    }

    /// The task messages at any depth of a file.
    static func tasks(in name: String) throws -> [RecordedTask] {
        var tasks: [RecordedTask] = []
        collect(try read(name), file: name, into: &tasks)
        return tasks
    }

    /// The texts of all results written in a recording.
    static func results(in name: String) throws -> [String] {
        try read(name)["writes"].arrayValue?.compactMap { $0["raw"].stringValue } ?? []
    }

    private static func collect(_ json: JSON, file: String, into tasks: inout [RecordedTask]) {
        switch json {
        case .object(let members):
            if let task = RecordedTask(json, file: file) { return tasks.append(task) }
            // `raw` repeats the message as text.
            for (name, value) in members where name != "raw" { collect(value, file: file, into: &tasks) }
        case .array(let elements):
            for element in elements { collect(element, file: file, into: &tasks) }
        case .string(let text) where text.contains("\"headers\""):
            if let inner = try? JSON(parsing: text) { collect(inner, file: file, into: &tasks) }
        default: break
        }
    }
}

/// A recorded task message.
struct RecordedTask: Sendable, CustomStringConvertible {
    var file: String
    var raw: BrokerMessage

    var description: String { "\(file) \(raw.taskName ?? "protocol 1")" }

    /// Reads a Redis envelope or an AMQP frame; nil if it is neither or not a task.
    init?(_ json: JSON, file: String) {
        self.file = file
        if json["body"].stringValue != nil, json["headers"].objectValue != nil, json["properties"].objectValue != nil {
            raw = Self.envelope(json)
        } else if json["method"] == "basic.publish" || json["method"] == "basic.deliver" {
            raw = Self.frame(json)
        } else {
            return nil
        }
        let isFirstProtocol = raw.headers.isEmpty && (try? JSON(parsing: raw.body))?["task"].stringValue != nil
        guard raw.headers["task"] != nil || isFirstProtocol else { return nil }
    }

    private static func envelope(_ json: JSON) -> BrokerMessage {
        let properties = json["properties"]
        let body = json["body"].stringValue ?? ""
        let isBase64 = properties["body_encoding"] == "base64"
        return BrokerMessage(
            headers: json["headers"].objectValue ?? JSONObject(),
            body: isBase64 ? Array(Data(base64Encoded: body) ?? Data()) : Array(body.utf8),
            contentType: json["content-type"].stringValue,
            contentEncoding: json["content-encoding"].stringValue,
            routingKey: properties["delivery_info"]["routing_key"].stringValue ?? "",
            exchange: properties["delivery_info"]["exchange"].stringValue ?? "",
            priority: properties["priority"].intValue ?? 0,
            correlationID: properties["correlation_id"].stringValue,
            replyTo: properties["reply_to"].stringValue,
            isPersistent: properties["delivery_mode"] == 2
        )
    }

    private static func frame(_ json: JSON) -> BrokerMessage {
        let properties = json["properties"]
        return BrokerMessage(
            headers: properties["headers"].objectValue ?? JSONObject(),
            body: json["body"].stringValue.map { Array($0.utf8) } ?? bytes(json["body_hex"].stringValue ?? ""),
            contentType: properties["content_type"].stringValue,
            contentEncoding: properties["content_encoding"].stringValue,
            routingKey: json["args"]["routing_key"].stringValue ?? "",
            exchange: json["args"]["exchange"].stringValue ?? "",
            priority: properties["priority"].intValue ?? 0,
            correlationID: properties["correlation_id"].stringValue,
            replyTo: properties["reply_to"].stringValue,
            isPersistent: properties["delivery_mode"] == 2
        )
    }

    private static func bytes(_ hex: String) -> [UInt8] {
        let digits = Array(hex)
        return stride(from: 0, to: digits.count - 1, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
    }
}
