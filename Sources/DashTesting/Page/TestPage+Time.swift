import Dash
import Synchronization

/// What takes time.
extension TestPage {
    /// More steps of the clock than any test wants to make: beyond, something goes on for ever.
    private static let mostSteps = 10_000

    /// Lets time pass until no callback and no job of the page is on its way.
    ///
    /// Waits by the ``clock`` take no real time; what does something real is waited for, as long as ``TestOptions/patience``
    /// says.
    ///
    /// - Throws: The first error of a callback or a job; ``TestError`` with code `patience`.
    public func settle() async throws {
        try await rest()
        for _ in 0..<Self.mostSteps {
            guard isBusy else { return }
            try await step()
        }
        throw TestError(
            .patience,
            "The page does not settle: after \(Self.mostSteps) steps of the clock something still waits by it."
        )
    }

    /// Lets time pass until something is so.
    ///
    /// - Parameters:
    ///   - what: What is waited for, for the message.
    ///   - isSo: Looks whether it is so; asked whenever the page is at rest.
    /// - Throws: ``TestError`` with code `condition` when nothing is left that could bring it about, else as ``settle()``.
    public func until(_ what: String = "the condition", _ isSo: () throws -> Bool) async throws {
        try await rest()
        for _ in 0..<Self.mostSteps {
            if try isSo() { return }
            guard isBusy || nextTick != nil else { break }
            try await step()
        }
        throw TestError(
            .condition,
            "It did not come to this: \(what). The page shows: \(text.isEmpty ? "no text" : text.prefix(500).description)"
        )
    }

    /// Moves the clock on: callbacks and jobs that wait by it go on, intervals tick, each at its time.
    ///
    /// - Parameter duration: How much time passes.
    /// - Throws: The first error of a callback or a job.
    public func advance(by duration: Duration) async throws {
        try await rest()
        let end = clock.now.offset + duration
        while let next = [clock.nextDeadline(), nextTick].compactMap(\.self).min(), next <= end {
            try await move(to: next)
        }
        clock.move(to: end)
        try await rest()
    }

    /// Makes one step: to the next time that somebody waits for, or to what comes by itself.
    private func step() async throws {
        let generation = await server.executor.idle()
        let deadlines = [server.nextDeadline, nextTick].compactMap(\.self)
        if let next = deadlines.min() {
            try await move(to: next)
        } else if isBusy {
            try await server.activity(after: generation, "A job")
            try await rest()
        }
    }

    private func move(to time: Duration) async throws {
        clock.move(to: time)
        for page in server.pages { page.tick(at: time) }
        try await rest()
    }

    /// When the next interval of any page ticks.
    private var nextTick: Duration? { server.pages.compactMap(\.ownNextTick).min() }

    private var ownNextTick: Duration? {
        state.withLock { state in
            guard let layout = state.renderer?.layout else { return nil }
            return state.mounted.compactMap { id, component in
                let props = layout.component(id)?["props"] ?? .null
                return MountedComponent.ticks(props) ? component.nextTick : nil
            }
            .min()
        }
    }

    /// Has the intervals tick whose time has come.
    private func tick(at time: Duration) {
        let due = state.withLock { state -> [ComponentID] in
            guard let layout = state.renderer?.layout else { return [] }
            var due: [ComponentID] = []
            for (id, component) in state.mounted {
                guard let next = component.nextTick, next <= time, let props = layout.component(id)?["props"] else {
                    continue
                }
                state.mounted[id]?.nextTick = time + MountedComponent.period(of: props)
                if MountedComponent.ticks(props) { due.append(id) }
            }
            return due.sorted { $0.text < $1.text }
        }
        guard !due.isEmpty else { return }
        change { renderer in
            for id in due {
                let count = renderer.layout.component(id)?["props"]["n_intervals"].intValue ?? 0
                renderer.set(id, [("n_intervals", .int(count + 1))])
            }
        }
    }
}
