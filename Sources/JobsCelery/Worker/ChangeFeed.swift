import Jobs
import Synchronization

/// What a running job tells and its record does not know yet: the newest value of each property, and Patches in order.
final class ChangeFeed: Sendable {
    /// Changes to be told together.
    struct Batch: Sendable, Hashable {
        var progress: [PropertyValue] = []
        var props: [PropertyValue] = []

        var isEmpty: Bool { progress.isEmpty && props.isEmpty }

        /// Adds later changes.
        mutating func merge(_ later: Batch) {
            Self.merge(&progress, later.progress)
            Self.merge(&props, later.props)
        }

        private static func merge(_ values: inout [PropertyValue], _ later: [PropertyValue]) {
            guard !values.isEmpty else { return values = later }
            let replaced = Set(later.lazy.filter { !$0.isPatch }.map { Place(id: $0.id, property: $0.property) })
            values.removeAll { replaced.contains(Place(id: $0.id, property: $0.property)) }
            values += later
        }

        private struct Place: Hashable {
            var id: String
            var property: String
        }
    }

    /// Rings when there is something to take; ends with the job.
    let bell: AsyncStream<Void>
    private let ringer: AsyncStream<Void>.Continuation
    private let waiting = Mutex(Batch())

    init() {
        (bell, ringer) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Adds progress, `[[id, property, value], …]`; anything else is left out.
    func add(progress body: [UInt8]) { add(Batch(progress: PropertyValue.list(from: body) ?? [])) }

    /// Adds properties, `[[id, property, value], …]`; anything else is left out.
    func add(props body: [UInt8]) { add(Batch(props: PropertyValue.list(from: body) ?? [])) }

    private func add(_ batch: Batch) {
        guard !batch.isEmpty else { return }
        waiting.withLock { $0.merge(batch) }
        ringer.yield()
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
            var all = batch
            all.merge(waiting)
            waiting = all
        }
    }

    /// Nothing more comes.
    func finish() { ringer.finish() }
}
