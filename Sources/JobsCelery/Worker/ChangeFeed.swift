import DashJSON
import Jobs
import Support
import Synchronization

/// The changes of a running job that are not yet in its record: the newest value of each property, and Patches in
/// order.
final class ChangeFeed: Sendable {
    /// Changes to be written together.
    struct Batch: Sendable {
        fileprivate(set) var progress = MergedValues()
        fileprivate(set) var props = MergedValues()

        var isEmpty: Bool { progress.isEmpty && props.isEmpty }
    }

    /// Signalled when there are changes to take; finished with the job.
    private let added = AsyncSignal()
    private let waiting = Mutex(Batch())

    /// Adds progress, `[[id, property, value], …]`; anything else is ignored.
    func add(progress body: [UInt8]) { add(PropertyValue.list(from: body), to: \.progress) }

    /// Adds properties, `[[id, property, value], …]`; anything else is ignored.
    func add(props body: [UInt8]) { add(PropertyValue.list(from: body), to: \.props) }

    private func add(_ values: [PropertyValue]?, to sort: WritableKeyPath<Batch, MergedValues>) {
        guard let values, !values.isEmpty else { return }
        waiting.withLock { $0[keyPath: sort].append(values) }
        added.signal()
    }

    /// Waits until there are changes to take.
    ///
    /// - Returns: False after ``finish()``, or if the task is cancelled.
    func wait() async -> Bool { await added.wait() }

    /// Takes all changes; nil if there are none.
    func take() -> Batch? {
        waiting.withLock { waiting in
            defer { waiting = Batch() }
            return waiting.isEmpty ? nil : waiting
        }
    }

    /// Puts back changes that could not be written, before those that came meanwhile.
    func putBack(_ batch: Batch) {
        waiting.withLock { waiting in
            let later = waiting
            waiting = batch
            waiting.progress.append(later.progress.values)
            waiting.props.append(later.props.values)
        }
    }

    /// No more changes come.
    func finish() { added.finish() }
}

/// The progress of a plain task, as its callers get it.
enum TaskProgress {
    /// The meta of the state PROGRESS: the values by `id.property`. Any other JSON is left unchanged.
    static func meta(_ body: [UInt8]) -> RawJSON {
        guard let values = PropertyValue.list(from: body) else { return RawJSON(unchecked: body) }
        var writer = JSONWriter(capacity: body.count + 16)
        writer.object { object in
            for value in values { object.member("\(value.id).\(value.property)", value.value) }
        }
        return RawJSON(unchecked: writer.bytes)
    }
}
