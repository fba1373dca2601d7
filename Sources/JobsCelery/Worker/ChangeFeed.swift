import DashJSON
import Jobs
import Support
import Synchronization

/// What a running job tells and its record does not know yet: the newest value of each property, and Patches in order.
final class ChangeFeed: Sendable {
    /// Changes to be told together.
    struct Batch: Sendable {
        var progress = MergedValues()
        var props = MergedValues()

        var isEmpty: Bool { progress.isEmpty && props.isEmpty }
    }

    /// Given when there is something to take; finished with the job.
    let added = AsyncSignal()
    private let waiting = Mutex(Batch())

    /// Adds progress, `[[id, property, value], …]`; anything else is left out.
    func add(progress body: [UInt8]) { add(PropertyValue.list(from: body), to: \.progress) }

    /// Adds properties, `[[id, property, value], …]`; anything else is left out.
    func add(props body: [UInt8]) { add(PropertyValue.list(from: body), to: \.props) }

    private func add(_ values: [PropertyValue]?, to sort: WritableKeyPath<Batch, MergedValues>) {
        guard let values, !values.isEmpty else { return }
        waiting.withLock { $0[keyPath: sort].append(values) }
        added.signal()
    }

    /// Takes all there is.
    func take() -> Batch? {
        waiting.withLock { waiting in
            defer { waiting = Batch() }
            return waiting.isEmpty ? nil : waiting
        }
    }

    /// Puts back what could not be told, before what came meanwhile.
    func putBack(_ batch: Batch) {
        waiting.withLock { waiting in
            let later = waiting
            waiting = batch
            waiting.progress.append(later.progress.values)
            waiting.props.append(later.props.values)
        }
    }

    /// Nothing more comes.
    func finish() { added.finish() }
}

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
