import Jobs
import ServiceLifecycle
import Synchronization

/// What the one server of a test keeps of its pages.
///
/// Nothing pauses here: progress is told at once whatever a callback's `interval:` says, and a click on cancel does not mean
/// a start that comes right after it. Both would need real time.
final class TestFleet: JobFleet {
    private struct State {
        var groups: [String: [String: String]] = [:]
        var made: [String: [UInt8]] = [:]
    }

    private let state = Mutex(State())

    func run() async throws { try? await gracefulShutdown() }

    func replace(_ place: String, in group: String, with value: String, lifetime: Duration) -> String? {
        state.withLock { $0.groups[group, default: [:]].updateValue(value, forKey: place) }
    }

    func values(in group: String) -> [String: String] { state.withLock { $0.groups[group] ?? [:] } }

    func remove(_ place: String, in group: String, ifStill value: String) -> Bool {
        state.withLock { state in
            guard state.groups[group]?[place] == value else { return false }
            state.groups[group]?[place] = nil
            return true
        }
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
