import DashJSON
import Testing

@testable import CeleryProtocol
@testable import JobsCelery

/// Compares a message written by Swift with Python's, field by field.
struct FieldComparison {
    /// The allowed differences and their reasons.
    static let allowed: [String: String] = [
        "header lang": "names the writer of the message",
        "header origin": "names the writer of the message",
        "header compression": "Swift does not compress bodies",
        "header redelivered": "brokers add it to requeued messages",
    ]

    private(set) var count = 0
    private let file: String
    private let ours: BrokerMessage
    private let recorded: BrokerMessage
    private let further: [String: String]

    /// - Parameter further: Further allowed differences and their reasons.
    init(_ file: String, ours: BrokerMessage, recorded: BrokerMessage, allowing further: [String: String] = [:]) {
        self.file = file
        self.further = further
        self.ours = ours
        self.recorded = recorded
    }

    mutating func compare() throws {
        for name in Set(ours.headers.keys + recorded.headers.keys).sorted() {
            compareHeader(name)
        }
        // Readers in other languages may depend on the order of the headers.
        let order = recorded.headers.keys.filter { ours.headers[$0] != nil }
        check("order of headers", .array(ours.headers.keys.map { .string($0) }), .array(order.map { .string($0) }))
        try compareBody()
        check("content type", .string(orNull: ours.contentType), .string(orNull: recorded.contentType))
        check("content encoding", .string(orNull: ours.contentEncoding), .string(orNull: recorded.contentEncoding))
        check("correlation id", .string(orNull: ours.correlationID), .string(orNull: recorded.correlationID))
        check("reply to", .string(orNull: ours.replyTo), .string(orNull: recorded.replyTo))
        check("priority", .int(ours.priority), .int(recorded.priority))
        check("exchange", .string(ours.exchange), .string(recorded.exchange))
        check("routing key", .string(ours.routingKey), .string(recorded.routingKey))
        check("delivery mode", .bool(ours.isPersistent), .bool(recorded.isPersistent))
    }

    private mutating func compareHeader(_ name: String) {
        let (mine, theirs) = (ours.headers[name], recorded.headers[name])
        if name == "eta" || name == "expires", let mine = mine?.stringValue, let theirs = theirs?.stringValue {
            // Equal to the millisecond; Python writes microseconds and any time zone.
            let times = (ISO8601.milliseconds(mine), ISO8601.milliseconds(theirs))
            #expect(times.0 != nil && times.0 == times.1, "\(file): \(name) is \(mine), was \(theirs)")
            count += 1
            return
        }
        check("header \(name)", mine ?? "missing", theirs ?? "missing")
    }

    private mutating func compareBody() throws {
        let mine = try JSON(parsing: ours.body)
        let theirs = try MessageBody.parse(MessageBody.text(of: recorded))
        check("args", mine[0], theirs[0])
        check("kwargs", mine[1], theirs[1])
        for name in ["callbacks", "errbacks", "chain", "chord"] {
            // An empty list means the same as null.
            check("embed \(name)", mine[2][name].orNull, theirs[2][name].orNull)
        }
        check("elements of the body", .int(mine.arrayValue?.count ?? 0), .int(theirs.arrayValue?.count ?? 0))
    }

    private mutating func check(_ field: String, _ mine: JSON, _ theirs: JSON) {
        count += 1
        if Self.allowed[field] ?? further[field] != nil { return }
        #expect(mine == theirs, "\(file): \(field) is \(mine), was \(theirs)")
    }
}

extension JSON {
    fileprivate var orNull: JSON { self == [] ? nil : self }
}
