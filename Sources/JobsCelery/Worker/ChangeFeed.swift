import DashJSON
import Jobs
import Support
import Synchronization

/// Changes of a running job to be stored together.
struct ChangeSet: Sendable {
    /// Unique in an attempt, so that a batch that is sent again is stored once.
    var number: Int
    var progress: [PropertyValue] = []
    var props: [PropertyValue] = []
}

/// The changes of a running job that are not yet in its record: the newest value of each property, and Patches in
/// order.
final class ChangeFeed: Sendable {
    private struct State {
        var progress = MergedValues()
        var props = MergedValues()
        var lastNumber = 0
    }

    /// Larger batches would block Redis for others.
    private static let largestBatch = 500

    /// Signalled when there are changes to take; finished with the job.
    private let added = AsyncSignal()
    private let state = Mutex(State())

    /// Adds progress, `[[id, property, value], …]`; anything else is ignored.
    func add(progress body: [UInt8]) { add(PropertyValue.list(from: body), to: \.progress) }

    /// Adds properties, `[[id, property, value], …]`; anything else is ignored.
    func add(props body: [UInt8]) { add(PropertyValue.list(from: body), to: \.props) }

    private func add(_ values: [PropertyValue]?, to sort: WritableKeyPath<State, MergedValues>) {
        guard let values, !values.isEmpty else { return }
        state.withLock { $0[keyPath: sort].append(values) }
        added.signal()
    }

    /// Waits until there are changes to take.
    ///
    /// - Returns: False after ``finish()``, or if the task is cancelled.
    func wait() async -> Bool { await added.wait() }

    /// Takes all changes, in batches: the progress first.
    func take() -> [ChangeSet] {
        state.withLock { state in
            let (progress, props) = (state.progress.values, state.props.values)
            (state.progress, state.props) = (MergedValues(), MergedValues())
            return stride(from: 0, to: progress.count + props.count, by: Self.largestBatch).map { start in
                state.lastNumber += 1
                var batch = ChangeSet(number: state.lastNumber)
                batch.progress = Array(progress.dropFirst(start).prefix(Self.largestBatch))
                let room = Self.largestBatch - batch.progress.count
                batch.props = Array(props.dropFirst(max(0, start - progress.count)).prefix(room))
                return batch
            }
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
