import DashJSON
import Synchronization

@testable import JobsCelery

/// A worker with a given state, which records its calls.
final class ScriptedWorker: ControlledWorker {
    let state: WorkerSnapshot
    let load: WorkerLoad
    /// The calls, such as `revoke a b`, as they arrive.
    let asked = AsyncStream<String>.makeStream()
    private let log = Mutex<[String]>([])
    /// If set, `add(queue:)` waits for it.
    let latch: ScriptedBroker.Latch?

    init(
        _ state: WorkerSnapshot = WorkerSnapshot(),
        load: WorkerLoad = WorkerLoad(active: 0, processed: 0),
        latch: ScriptedBroker.Latch? = nil
    ) {
        self.state = state
        self.load = load
        self.latch = latch
    }

    /// All calls so far.
    var calls: [String] { log.withLock { $0 } }

    private func note(_ call: String) {
        log.withLock { $0.append(call) }
        asked.continuation.yield(call)
    }

    func snapshot() async -> WorkerSnapshot { state }

    func revoke(_ ids: [String]) async { note("revoke \(ids.joined(separator: " "))") }

    func terminate(_ ids: [String], signal: Int32) async -> [String] {
        note("terminate \(ids.joined(separator: " ")) \(signal)")
        let here = state.active + state.reserved + state.scheduled
        return ids.filter { id in here.contains { $0.task.id == id } }
    }

    func setRateLimit(_ limit: RateLimit?, of task: String) async -> Bool {
        note("rate \(task) \(limit.map { "\($0.perSecond)" } ?? "none")")
        return state.registered[task] != nil
    }

    func setTimeLimits(_ limits: RunLimits, of task: String) async -> Bool {
        note("time \(task) \(limits.soft ?? 0) \(limits.hard ?? 0)")
        return state.registered[task] != nil
    }

    func resizePool(by change: Int) async { note("pool \(change)") }

    func add(queue: String) async throws {
        await latch?.passed()
        note("add \(queue)")
    }

    func cancel(queue: String) async throws { note("cancel \(queue)") }

    func shutDown() { note("shutdown") }
}
