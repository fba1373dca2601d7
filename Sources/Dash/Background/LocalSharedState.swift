package import Jobs
import ServiceLifecycle
import Support
import Synchronization

/// The shared state of a site with one web server, in memory.
package final class LocalSharedState: SharedState {
    private struct State {
        var slots = SharedSlots()
        /// The values that were made or are being made; nil after an error.
        var made: [String: AsyncLatch<[UInt8]?>] = [:]
        var pauses: [String: ContinuousClock.Instant] = [:]
    }

    /// More jobs with an `interval:` than one server runs concurrently.
    private static let pauseCapacity = 100_000
    /// Small, as the size of `onError` responses is not limited.
    private static let madeCapacity = 1000
    private let state = Mutex(State())
    private let hasCooldowns: Bool

    /// - Parameter hasCooldowns: Whether there are cooldowns. A test has none, as they need real time: it delivers
    ///   progress immediately, whatever a callback's `interval:`.
    package init(hasCooldowns: Bool = true) { self.hasCooldowns = hasCooldowns }

    package func run() async throws {
        try? await gracefulShutdown()
    }

    package func replace(
        _ slot: String,
        in group: String,
        with value: SharedValue,
        watermarks: Set<String>,
        lifetime: Duration
    ) -> SlotReplacement {
        state.withLock { $0.slots.replace(slot, in: group, with: value, watermarks: watermarks) }
    }

    package func values(in group: String) -> [String: SharedValue] { state.withLock { $0.slots.values(in: group) } }

    package func remove(_ slot: String, in group: String, ifStill text: String) -> Bool {
        state.withLock { $0.slots.remove(slot, in: group, ifStill: text) }
    }

    package func raiseWatermarks(_ names: Set<String>, in group: String, with order: Int) {
        state.withLock { $0.slots.raiseWatermarks(names, in: group, with: order) }
    }

    package func startCooldown(_ name: String, for duration: Duration) {
        guard hasCooldowns else { return }
        state.withLock { state in
            state.pauses.makeRoom(Self.pauseCapacity)
            state.pauses[name] = .now + duration
        }
    }

    package func cooldown(_ name: String) -> Duration? {
        state.withLock { state in
            guard let end = state.pauses[name] else { return nil }
            let rest = end - .now
            if rest <= .zero { state.pauses[name] = nil }
            return rest > .zero ? rest : nil
        }
    }

    /// Nothing: this server counts its own polls.
    package func hold(_ holder: String, in group: String, limit: Int) {}

    package func release(_ holder: String, in group: String) {}

    package func releases() -> AsyncStream<String> { AsyncStream { $0.finish() } }
}

// MARK: - Once

extension LocalSharedState {
    package func memoize(
        _ name: String,
        lifetime: Duration,
        _ make: @Sendable () async throws -> [UInt8]
    ) async throws -> [UInt8] {
        while true {
            let (latch, isMine) = latch(of: name)
            guard isMine else {
                if let bytes = try await latch.wait() { return bytes }
                continue
            }
            do {
                let bytes = try await make()
                latch.settle(.success(bytes))
                return bytes
            } catch {
                state.withLock { $0.made[name] = nil }
                latch.settle(.success(nil))
                throw error
            }
        }
    }

    /// The latch of a value, and whether the caller has to make the value.
    private func latch(of name: String) -> (AsyncLatch<[UInt8]?>, isMine: Bool) {
        state.withLock { state in
            if let known = state.made[name] { return (known, false) }
            let latch = AsyncLatch<[UInt8]?>()
            state.made.makeRoom(Self.madeCapacity) { $0.current != nil }
            state.made[name] = latch
            return (latch, true)
        }
    }
}

extension Dictionary {
    /// Removes an entry if the dictionary is full.
    fileprivate mutating func makeRoom(_ capacity: Int, _ mayGo: (Value) -> Bool = { _ in true }) {
        if count >= capacity, let key = first(where: { mayGo($0.value) })?.key { self[key] = nil }
    }
}
