import CeleryProtocol
import DashJSON
import Jobs
import Logging

/// Remote control of a worker.
struct WorkerControl: ControlledWorker {
    private let driver: WorkerDriver
    private let tasks: TaskTable
    private let birth = ContinuousClock.now

    init(_ driver: WorkerDriver, _ tasks: TaskTable) {
        self.driver = driver
        self.tasks = tasks
    }

    var load: WorkerLoad { driver.load }

    func revoke(_ ids: [String]) async {
        let unknown = driver.handle { machine, _ in machine.revoke(ids) }
        if !unknown.isEmpty { driver.add(.markRevoked(unknown)) }
    }

    /// Stores the state of revoked tasks that, as far as is known, no worker has begun.
    func markRevoked(_ ids: [String]) async {
        let waiting: Set<TaskState> = [.pending, .received, .retry, TaskState(rawValue: "REJECTED")]
        let results = driver.parts.results
        do {
            let now = WorkerTime.now.wall
            for (id, stored) in zip(ids, try await results.read(ids)) {
                guard waiting.contains(stored?.status ?? .pending) else { continue }
                try await results.store(ResultMeta(taskID: id, .revoked, exception: .revoked("revoked"), now: now))
            }
        } catch {
            driver.parts.logger.warning(
                "The state of revoked tasks could not be stored.",
                metadata: ["error": "\(error)"]
            )
        }
    }

    func terminate(_ ids: [String], signal: Int32) async -> [String] {
        driver.handle { machine, _ in machine.terminate(ids, signal: signal) }
    }

    func setRateLimit(_ limit: RateLimit?, of task: String) async -> Bool {
        guard tasks[task: task] != nil else { return false }
        driver.handle { $0.setRateLimit(limit, of: task, at: $1) }
        return true
    }

    func setTimeLimit(soft: Double?, hard: Double?, of task: String) async -> Bool {
        guard tasks[task: task] != nil else { return false }
        driver.setTimeLimit(soft: soft, hard: hard, of: task)
        return true
    }

    func resizePool(by change: Int) async { driver.handle { $0.resize(by: change, at: $1) } }

    func add(queue: String) async throws { try await driver.consume(queue: queue) }

    func cancel(queue: String) async throws { try await driver.cancel(queue: queue) }

    func shutDown() { driver.stopWarm() }

    func snapshot() async -> WorkerSnapshot {
        var snapshot = driver.snapshot(of: tasks.names)
        snapshot.pool.processes = driver.parts.executor.processes.map(Int.init)
        snapshot.pool.maxTasksPerChild = driver.parts.options.maxTasksPerChild
        snapshot.queues = driver.queues.map { QueueInfo(name: $0) }
        snapshot.uptime = Int(birth.duration(to: .now) / .seconds(1))
        snapshot.settings = settings
        return snapshot
    }

    /// The settings, by Celery's names.
    private var settings: JSONObject {
        let options = driver.parts.options
        var settings = driver.parts.settings.shown
        settings["worker_concurrency"] = .int(driver.slots)
        settings["worker_prefetch_multiplier"] = .int(options.prefetchMultiplier)
        settings["task_acks_late"] = true
        settings["task_track_started"] = .bool(options.tracksStarted)
        settings["worker_send_task_events"] = .bool(options.sendsEvents)
        if let most = options.maxTasksPerChild { settings["worker_max_tasks_per_child"] = .int(most) }
        if let limit = options.timeLimit { settings["task_time_limit"] = .double(limit / .seconds(1)) }
        if let limit = options.softTimeLimit { settings["task_soft_time_limit"] = .double(limit / .seconds(1)) }
        return settings
    }
}
