import DashJSON
import Jobs
import ServiceLifecycle
import Synchronization

/// The shared state of the pages of a test's single server.
///
/// There are no cooldowns: progress is delivered immediately, whatever a callback's `interval:`, as a cooldown needs
/// real time.
final class TestSharedState: SharedState {
    private struct State {
        var slots = SharedSlots()
        var made: [String: [UInt8]] = [:]
    }

    private let state = Mutex(State())

    func run() async throws { try? await gracefulShutdown() }

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

    /// Each job's completion is requested by one page, so concurrent calls need no coordination.
    func memoize(
        _ name: String,
        lifetime: Duration,
        _ make: @Sendable () async throws -> [UInt8]
    ) async throws -> [UInt8] {
        if let made = state.withLock({ $0.made[name] }) { return made }
        let bytes = try await make()
        state.withLock { $0.made[name] = bytes }
        return bytes
    }

    func startCooldown(_ name: String, for duration: Duration) {}

    func cooldown(_ name: String) -> Duration? { nil }

    func hold(_ holder: String, in group: String, limit: Int) {}

    func release(_ holder: String, in group: String) {}

    func releases() -> AsyncStream<String> { AsyncStream { $0.finish() } }
}

/// A user's browser: its cookies and local storage.
final class TestBrowser: Sendable {
    private struct State {
        var cookies: [String: String]
        var storage: [String: JSON] = [:]
    }

    private let headers: [String: String]
    private let state: Mutex<State>

    init(cookies: [String: String], headers: [String: String]) {
        self.headers = headers
        state = Mutex(State(cookies: cookies))
    }

    /// The cookies, by name.
    var cookies: [String: String] {
        get { state.withLock { $0.cookies } }
        set { state.withLock { $0.cookies = newValue } }
    }

    /// The data of each `dcc.Store` with `storage_type="local"`.
    var storage: [String: JSON] {
        get { state.withLock { $0.storage } }
        set { state.withLock { $0.storage = newValue } }
    }

    /// The headers of a request.
    ///
    /// - Parameter more: Additional headers of this request.
    func headers(_ more: [(name: String, value: String)]) -> [(name: String, value: String)] {
        let cookies = cookies.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: "; ")
        return more + headers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
            + (cookies.isEmpty ? [] : [("cookie", cookies)])
    }

    /// Stores the cookies of a response; removes those with `Max-Age=0`.
    func take(_ headers: [(name: String, value: String)]) {
        for header in headers where header.name == "set-cookie" {
            let parts = header.value.split(separator: ";").map { $0.drop { $0 == " " } }
            guard let pair = parts.first, let equals = pair.firstIndex(of: "=") else { continue }
            let isOver = parts.dropFirst().contains { $0.lowercased() == "max-age=0" }
            let value = String(pair[pair.index(after: equals)...])
            state.withLock { $0.cookies[String(pair[..<equals])] = isOver ? nil : value }
        }
    }
}
