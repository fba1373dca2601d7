import DashJSON
import Testing

@testable import CeleryProtocol
@testable import JobsCelery

/// Events equal those of Celery 5.7, with the members in its order.
@Suite struct RecordedEventsTests {
    @Test("all recorded worker events equal Celery's") func events() throws {
        let recorded = RecordedEvent.all
        try #require(recorded.count > 60)
        var equal = 0
        for event in recorded {
            let ours = try #require(event.published(), "\(event.name): \(event.type)")
            let isEqual = ours == event.body && ours.keys == event.body.keys
            #expect(isEqual, "\(event.name): \(ours) is not \(event.body)")
            if isEqual { equal += 1 }
        }
        print("\(equal) of \(recorded.count) events equal, field by field and in order")
    }

    @Test("the messages of events equal Celery's") func messages() throws {
        for name in ["redis/event-worker-online", "redis/event-worker-heartbeat", "redis/event-worker-offline"] {
            let fixture = try #require(RecordedFixture.read(name))
            let recorded = RecordedFixture.message(fixture["envelope"])
            let body = RecordedFixture.body(recorded)
            let type = String((body["type"].stringValue ?? "").map { $0 == "-" ? "." : $0 })
            #expect(
                EventSource(node: "worker1@host").message(body, routingKey: type).withoutBody == recorded.withoutBody
            )
        }
        let tasks = try #require(RecordedFixture.read("redis/events-success"))["publishes"][0]["envelope"]
        let recorded = RecordedFixture.message(tasks)
        let ours = EventSource(node: "worker1@host").message(.array([]), routingKey: "task.multi")
        #expect(ours.withoutBody == recorded.withoutBody)
        #expect(RecordedFixture.body(recorded).arrayValue?.count == 1)
    }
}

extension BrokerMessage {
    fileprivate var withoutBody: BrokerMessage {
        var message = self
        message.body = []
        return message
    }
}

/// A recorded Celery event.
struct RecordedEvent: Sendable {
    var name: String
    var body: JSONObject

    var type: String { body["type"]?.stringValue ?? "" }

    /// All events of workers: `task-sent` comes from the sender of a task, and Swift workers send no `task-rejected`.
    static let all: [RecordedEvent] = RecordedFixture.names(beginningWith: "event").flatMap { name -> [RecordedEvent] in
        let fixture = RecordedFixture.read(name) ?? .null
        let messages = fixture["publishes"].isNull ? [fixture] : fixture["publishes"].orElements
        return messages.flatMap { RecordedFixture.body(RecordedFixture.message($0["envelope"])).orElements }
            .compactMap(\.objectValue).map { RecordedEvent(name: name, body: $0) }
            .filter { !["task-sent", "task-rejected"].contains($0.type) }
    }

    /// Our event with the recorded values.
    func published() -> JSONObject? {
        let source = EventSource(
            node: text("hostname") ?? "",
            process: body["pid"]?.intValue ?? 0,
            utcOffset: body["utcoffset"]?.doubleValue
        )
        guard var fields = task?.fields ?? sign.map({ fields(of: $0) }) else { return nil }
        // Celery writes microseconds.
        for name in ["eta", "expires"] {
            if let ours = time(fields[name]), ours == time(body[name]) { fields[name] = body[name] }
        }
        return source.event(
            type,
            fields,
            clock: body["clock"]?.intValue ?? 0,
            timestamp: body["timestamp"]?.doubleValue ?? 0
        )
    }

    private func text(_ name: String) -> String? { body[name]?.stringValue }

    private func time(_ value: JSON?) -> Int64? { value?.stringValue.flatMap(ISO8601.milliseconds) }

    /// With the recorded program instead of this one.
    private func fields(of sign: WorkerSign) -> JSONObject {
        var fields = sign.fields(
            every: body["freq"]?.doubleValue ?? 0,
            load: WorkerLoad(active: body["active"]?.intValue ?? 0, processed: body["processed"]?.intValue ?? 0),
            machine: (body["loadavg"] ?? .null).orElements.compactMap(\.doubleValue)
        )
        for name in ["sw_ident", "sw_ver", "sw_sys"] where fields[name]?.stringValue?.isEmpty == false {
            fields[name] = body[name]
        }
        return fields
    }

    private var sign: WorkerSign? {
        WorkerSign(rawValue: type)
    }

    private var task: TaskEvent? {
        let id = text("uuid") ?? ""
        switch type {
        case "task-received": return received(id)
        case "task-started": return .started(id: id)
        case "task-succeeded":
            return .succeeded(id: id, result: text("result") ?? "", runtime: body["runtime"]?.doubleValue ?? 0)
        case "task-failed": return .failed(id: id, exception: text("exception") ?? "", traceback: text("traceback"))
        case "task-retried": return .retried(id: id, exception: text("exception") ?? "", traceback: text("traceback"))
        case "task-revoked":
            return .revoked(
                id: id,
                terminated: body["terminated"] == true,
                signal: body["signum"]?.intValue.map { Int32($0) },
                expired: body["expired"] == true
            )
        default: return nil
        }
    }

    private func received(_ id: String) -> TaskEvent {
        var message = TaskMessage(task: text("name") ?? "", id: id)
        (message.argumentsRepr, message.keywordsRepr) = (text("args") ?? "", text("kwargs") ?? "")
        (message.rootID, message.parentID) = (text("root_id"), text("parent_id"))
        message.retries = body["retries"]?.intValue ?? 0
        message.eta = text("eta").flatMap(ISO8601.milliseconds)
        message.expires = text("expires").flatMap(ISO8601.milliseconds)
        return .received(message)
    }
}
