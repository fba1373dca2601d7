import DashJSON
import Jobs
import Logging
import Synchronization

extension CeleryWorker: ControlledWorker {
    var load: WorkerLoad {
        machine.withLock { WorkerLoad(active: $0.running.count, processed: $0.processed) }
    }

    func revoke(_ ids: [String]) async {
        var unknown: [String] = []
        handle { machine, _ in
            let (others, actions) = machine.revoke(ids)
            unknown = others
            return actions
        }
        if !unknown.isEmpty { add(.markRevoked(unknown)) }
    }

    func terminate(_ ids: [String], signal: Int32) async -> [String] {
        var here: [String] = []
        handle { machine, _ in
            let (known, actions) = machine.terminate(ids, signal: signal)
            here = known
            return actions
        }
        return here
    }

    func setRateLimit(_ limit: RateLimit?, of task: String) async -> Bool {
        guard tasks[task: task] != nil else { return false }
        handle { $0.setRateLimit(limit, of: task, at: $1) }
        return true
    }

    func setTimeLimit(soft: Double?, hard: Double?, of task: String) async -> Bool {
        guard tasks[task: task] != nil else { return false }
        machine.withLock { $0.setTimeLimit(soft: soft, hard: hard, of: task) }
        return true
    }

    func resizePool(by change: Int) async {
        handle { $0.resize(by: change, at: $1) }
    }

    func add(queue: String) async throws { try await consumer.add(queue: queue) }

    func cancel(queue: String) async throws { try await consumer.cancel(queue: queue) }

    func shutDown() { stopWarm() }

    /// Stores that tasks are revoked which no worker has begun, as far as is known.
    func markRevoked(_ ids: [String]) async {
        let waiting: Set<TaskState> = [.pending, .received, .retry, TaskState(rawValue: "REJECTED")]
        do {
            let now = WorkerTime.now.wall
            for (id, stored) in zip(ids, try await parts.results.read(ids)) {
                guard waiting.contains(stored?.status ?? .pending) else { continue }
                try await parts.results.store(
                    ResultMeta(taskID: id, .revoked, exception: .revoked("revoked"), now: now)
                )
            }
        } catch {
            parts.logger.warning("Revoked tasks could not be marked so.", metadata: ["error": "\(error)"])
        }
    }
}

extension CeleryWorker {
    func snapshot() async -> WorkerSnapshot {
        let options = parts.options
        var snapshot = machine.withLock { machine in
            var snapshot = WorkerSnapshot()
            for holding in machine.holdings.values.sorted(by: { $0.task.number < $1.task.number }) {
                switch holding.stage {
                case .running: snapshot.active.append(TaskInfo(holding))
                case .waiting where holding.notBefore != nil: snapshot.scheduled.append(ScheduledTask(holding.task))
                case .waiting: snapshot.reserved.append(TaskInfo(holding))
                case .ending: break
                }
            }
            let now = WorkerTime.now.wall
            snapshot.scheduled += machine.postponed.values.filter { $0.message.eta ?? 0 > now }
                .sorted { $0.message.eta ?? 0 < $1.message.eta ?? 0 }.map { ScheduledTask($0) }
            snapshot.registered = tasks.names.map { name in
                let rules = machine.rules[name]
                return RegisteredTask(
                    name: name,
                    rateLimit: rules?.bucket?.limit,
                    softTimeLimit: rules?.softLimit,
                    timeLimit: rules?.hardLimit
                )
            }
            snapshot.totals = machine.totals
            snapshot.prefetchCount = machine.prefetch
            snapshot.pool.concurrency = machine.slots
            snapshot.pool.softTimeLimit = machine.limits.soft
            snapshot.pool.timeLimit = machine.limits.hard
            return snapshot
        }
        snapshot.pool.processes = parts.executor.processes.map(Int.init)
        snapshot.pool.maxTasksPerChild = options.maxTasksPerChild
        snapshot.queues = consumer.queues.map { QueueInfo(name: $0) }
        snapshot.uptime = Int(birth.duration(to: .now) / .seconds(1))
        snapshot.settings = settings
        return snapshot
    }

    /// What is set, by Celery's names.
    private var settings: JSONObject {
        let options = parts.options
        var settings = parts.settings.shown
        settings["worker_concurrency"] = .int(machine.withLock { $0.slots })
        settings["worker_prefetch_multiplier"] = .int(options.prefetchMultiplier)
        settings["task_acks_late"] = true
        settings["task_track_started"] = .bool(parts.options.tracksStarted)
        settings["worker_send_task_events"] = .bool(options.sendsEvents)
        if let most = options.maxTasksPerChild { settings["worker_max_tasks_per_child"] = .int(most) }
        if let limit = options.timeLimit { settings["task_time_limit"] = .double(limit / .seconds(1)) }
        if let limit = options.softTimeLimit { settings["task_soft_time_limit"] = .double(limit / .seconds(1)) }
        return settings
    }
}
