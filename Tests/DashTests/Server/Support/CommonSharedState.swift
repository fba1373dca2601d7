import Jobs
import Synchronization

@testable import Dash

/// In-memory state that two servers of a test share, with polls counted over both.
final class CommonSharedState: Sendable {
    private struct State {
        var holders: [String: [(server: Int, holder: String)]] = [:]
    }

    let slots = LocalSharedState()
    /// The minimum length of a cooldown, for tests that act within one.
    private let shortestPause: Duration
    private let state = Mutex(State())
    private let servers: [(releases: AsyncStream<String>, release: AsyncStream<String>.Continuation)] =
        (0..<2).map { _ in AsyncStream<String>.makeStream() }.map { ($0.stream, $0.continuation) }

    init(shortestPause: Duration = .zero) {
        self.shortestPause = shortestPause
    }

    /// A server's part.
    func server(_ number: Int) -> Server { Server(shared: self, number: number) }

    struct Server: SharedState {
        let shared: CommonSharedState
        let number: Int

        func run() async throws { try await shared.slots.run() }

        func replace(
            _ slot: String,
            in group: String,
            with value: SharedValue,
            watermarks: Set<String>,
            lifetime: Duration
        ) -> SlotReplacement {
            shared.slots.replace(slot, in: group, with: value, watermarks: watermarks, lifetime: lifetime)
        }

        func values(in group: String) -> [String: SharedValue] { shared.slots.values(in: group) }

        func remove(_ slot: String, in group: String, ifStill text: String) -> Bool {
            shared.slots.remove(slot, in: group, ifStill: text)
        }

        func raiseWatermarks(_ names: Set<String>, in group: String, with order: Int) {
            shared.slots.raiseWatermarks(names, in: group, with: order)
        }

        func memoize(
            _ name: String,
            lifetime: Duration,
            _ make: @Sendable () async throws -> [UInt8]
        ) async throws -> [UInt8] {
            try await shared.slots.memoize(name, lifetime: lifetime, make)
        }

        func startCooldown(_ name: String, for duration: Duration) {
            shared.slots.startCooldown(name, for: max(duration, shared.shortestPause))
        }

        func cooldown(_ name: String) -> Duration? { shared.slots.cooldown(name) }

        func hold(_ holder: String, in group: String, limit: Int) {
            shared.state.withLock { state in
                var held = state.holders[group, default: []]
                held.append((number, holder))
                while held.count > limit {
                    let oldest = held.removeFirst()
                    shared.servers[oldest.server].release.yield(oldest.holder)
                }
                state.holders[group] = held
            }
        }

        func release(_ holder: String, in group: String) {
            shared.state.withLock { $0.holders[group]?.removeAll { $0.server == number && $0.holder == holder } }
        }

        func releases() -> AsyncStream<String> { shared.servers[number].releases }
    }
}
