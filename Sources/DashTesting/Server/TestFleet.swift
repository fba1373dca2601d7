import Jobs
import ServiceLifecycle
import Synchronization

/// What the one server of a test keeps of its pages.
///
/// Nothing pauses here: progress is told at once whatever a callback's `interval:` says, as that would need real time.
final class TestFleet: JobFleet {
    private struct State {
        var places = FleetPlaces()
        var made: [String: [UInt8]] = [:]
    }

    private let state = Mutex(State())

    func run() async throws { try? await gracefulShutdown() }

    func replace(
        _ place: String,
        in group: String,
        with value: FleetValue,
        marks: Set<String>,
        lifetime: Duration
    ) -> FleetPlacing {
        state.withLock { $0.places.replace(place, in: group, with: value, marks: marks) }
    }

    func values(in group: String) -> [String: FleetValue] { state.withLock { $0.places.values(in: group) } }

    func remove(_ place: String, in group: String, ifStill text: String) -> Bool {
        state.withLock { $0.places.remove(place, in: group, ifStill: text) }
    }

    func mark(_ names: Set<String>, in group: String, with order: Int) {
        state.withLock { $0.places.mark(names, in: group, with: order) }
    }

    /// One page asks for the end of a job, so nobody asks meanwhile.
    func once(
        _ name: String,
        lifetime: Duration,
        _ make: @Sendable () async throws -> [UInt8]
    ) async throws -> [UInt8] {
        if let made = state.withLock({ $0.made[name] }) { return made }
        let bytes = try await make()
        state.withLock { $0.made[name] = bytes }
        return bytes
    }

    func pause(_ name: String, for duration: Duration) {}

    func rest(ofPause name: String) -> Duration? { nil }

    func hold(_ holder: String, in group: String, limit: Int) {}

    func letGo(_ holder: String, in group: String) {}

    func releases() -> AsyncStream<String> { AsyncStream { $0.finish() } }
}
