import Jobs
import Synchronization

@testable import Dash

/// What two servers of a test share, in memory: the places of a single server, and polls that are counted over both.
final class SharedFleet: Sendable {
    private struct State {
        var holders: [String: [(server: Int, holder: String)]] = [:]
    }

    let places = LocalFleet()
    /// A pause is at least so long: for tests that have to do something within one.
    private let shortestPause: Duration
    private let state = Mutex(State())
    private let servers: [(releases: AsyncStream<String>, release: AsyncStream<String>.Continuation)] =
        (0..<2).map { _ in AsyncStream<String>.makeStream() }.map { ($0.stream, $0.continuation) }

    init(shortestPause: Duration = .zero) {
        self.shortestPause = shortestPause
    }

    /// A server's view.
    func server(_ number: Int) -> Server { Server(shared: self, number: number) }

    struct Server: JobFleet {
        let shared: SharedFleet
        let number: Int

        func run() async throws { try await shared.places.run() }

        func replace(
            _ place: String,
            in group: String,
            with value: FleetValue,
            marks: Set<String>,
            lifetime: Duration
        ) -> FleetPlacing {
            shared.places.replace(place, in: group, with: value, marks: marks, lifetime: lifetime)
        }

        func values(in group: String) -> [String: FleetValue] { shared.places.values(in: group) }

        func remove(_ place: String, in group: String, ifStill text: String) -> Bool {
            shared.places.remove(place, in: group, ifStill: text)
        }

        func mark(_ names: Set<String>, in group: String, with order: Int) {
            shared.places.mark(names, in: group, with: order)
        }

        func once(
            _ name: String,
            lifetime: Duration,
            _ make: @Sendable () async throws -> [UInt8]
        ) async throws -> [UInt8] {
            try await shared.places.once(name, lifetime: lifetime, make)
        }

        func pause(_ name: String, for duration: Duration) {
            shared.places.pause(name, for: max(duration, shared.shortestPause))
        }

        func rest(ofPause name: String) -> Duration? { shared.places.rest(ofPause: name) }

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

        func letGo(_ holder: String, in group: String) {
            shared.state.withLock { $0.holders[group]?.removeAll { $0.server == number && $0.holder == holder } }
        }

        func releases() -> AsyncStream<String> { shared.servers[number].releases }
    }
}
