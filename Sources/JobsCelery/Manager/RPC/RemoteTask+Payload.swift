import DashJSON
import Jobs

// Another program's task in the place of a job's payload, so that it lives as long as its job.
extension RemoteTask {
    private static let start = Array(#"{"celery-task":"#.utf8)
    private static let end = Array("}".utf8)

    /// The task as a payload.
    var payload: [UInt8] {
        let fields = [RawJSON(json: .string(name)), RawJSON(json: .text(queue)), arguments]
        var writer = JSONWriter(capacity: arguments.bytes.count + 128)
        writer.array(of: fields)
        return Self.start + writer.bytes + Self.end
    }

    /// The task that a payload is; nil if it is a job's own.
    init?(payload: [UInt8]) {
        guard payload.starts(with: Self.start),
            let fields = try? JSONScanner.elements(of: payload[Self.start.count...].dropLast()),
            fields.count == 3, let name = try? JSON(parsing: Array(fields[0])).stringValue
        else { return nil }
        let queue = try? JSON(parsing: Array(fields[1])).stringValue
        self.init(name: name, queue: queue, arguments: RawJSON(unchecked: Array(fields[2])))
    }
}
