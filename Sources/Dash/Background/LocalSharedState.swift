import Jobs
import ServiceLifecycle
import Synchronization

/// The shared state of a site with one web server, in memory.
final class LocalSharedState: SharedState {
    private enum Made {
        case making([CheckedContinuation<Void, Never>])
        case made([UInt8])
    }

    private struct State {
        var slots = SharedSlots()
        var made: [String: Made] = [:]
        var pauses: [String: ContinuousClock.Instant] = [:]
    }

    /// More jobs with an `interval:` than one server runs concurrently.
    private static let pauseCapacity = 100_000
    /// Small, as the size of `onError` responses is not limited.
    private static let madeCapacity = 1000
    private let state = Mutex(State())

    func run() async throws {
        try? await gracefulShutdown()
    }

    func replace(
        _ slot: String,
        in group: String,
        with value: SharedValue,
        watermarks: Set<String>,
        lifetime: Duration
    ) -> SlotReplacement {
        state.withLock { $0.slots.replace(slot, in: group, with: value, watermarks: watermarks) }
    }

    func values(in group: String) -> [String: SharedValue] { state.withLock { $0.slots.values(in: group) } }

    func remove(_ slot: String, in group: String, ifStill text: String) -> Bool {
        state.withLock { $0.slots.remove(slot, in: group, ifStill: text) }
    }

    func raiseWatermarks(_ names: Set<String>, in group: String, with order: Int) {
        state.withLock { $0.slots.raiseWatermarks(names, in: group, with: order) }
    }

    func startCooldown(_ name: String, for duration: Duration) {
        state.withLock { state in
            state.pauses.makeRoom(Self.pauseCapacity)
            state.pauses[name] = .now + duration
        }
    }

    func cooldown(_ name: String) -> Duration? {
        state.withLock { state in
            guard let end = state.pauses[name] else { return nil }
            let rest = end - .now
            if rest <= .zero { state.pauses[name] = nil }
            return rest > .zero ? rest : nil
        }
    }

    /// Nothing: this server counts its own polls.
    func hold(_ holder: String, in group: String, limit: Int) {}

    func release(_ holder: String, in group: String) {}

    func releases() -> AsyncStream<String> { AsyncStream { $0.finish() } }
}

// MARK: - Once

extension LocalSharedState {
    private enum Turn {
        case mine
        case made([UInt8])
        case wait
    }

    func memoize(
        _ name: String,
        lifetime: Duration,
        _ make: @Sendable () async throws -> [UInt8]
    ) async throws -> [UInt8] {
        while true {
            switch turn(for: name) {
            case .made(let bytes): return bytes
            case .wait: await end(ofMaking: name)
            case .mine:
                do {
                    let bytes = try await make()
                    finish(name, with: .made(bytes))
                    return bytes
                } catch {
                    finish(name, with: nil)
                    throw error
                }
            }
        }
    }

    private func turn(for name: String) -> Turn {
        state.withLock { state in
            switch state.made[name] {
            case .made(let bytes): return .made(bytes)
            case .making: return .wait
            case nil:
                state.made.makeRoom(Self.madeCapacity) { if case .made = $0 { true } else { false } }
                state.made[name] = .making([])
                return .mine
            }
        }
    }

    private func end(ofMaking name: String) async {
        await withCheckedContinuation { continuation in
            let isWaiting = state.withLock { state in
                guard case .making(let waiting) = state.made[name] else { return false }
                state.made[name] = .making(waiting + [continuation])
                return true
            }
            if !isWaiting { continuation.resume() }
        }
    }

    private func finish(_ name: String, with made: Made?) {
        let waiting = state.withLock { state in
            let before = state.made.removeValue(forKey: name)
            state.made[name] = made
            if case .making(let waiting) = before { return waiting }
            return []
        }
        for continuation in waiting { continuation.resume() }
    }
}

extension Dictionary {
    /// Removes an entry if the dictionary is full.
    fileprivate mutating func makeRoom(_ capacity: Int, _ mayGo: (Value) -> Bool = { _ in true }) {
        if count >= capacity, let key = first(where: { mayGo($0.value) })?.key { self[key] = nil }
    }
}
