import DashJSON
import Jobs

/// What callers of a plain task are told of its progress.
enum TaskProgress {
    /// The meta of the state PROGRESS: what was set, by `id.property`. Another text stays as it is.
    static func meta(_ body: [UInt8]) -> RawJSON {
        guard let values = PropertyValue.list(from: body) else { return RawJSON(unchecked: body) }
        var writer = JSONWriter(capacity: body.count + 16)
        writer.object { object in
            for value in values { object.member("\(value.id).\(value.property)", value.value) }
        }
        return RawJSON(unchecked: writer.bytes)
    }
}
