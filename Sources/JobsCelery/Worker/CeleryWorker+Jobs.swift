import DashJSON
import Jobs
import Logging
import Support
import Synchronization

// Jobs of a site: their records are the truth, and are asked before, told during and after an attempt.
extension CeleryWorker {
    /// Runs an attempt of a job, if its record says so.
    func runJob(_ task: HeldTask, _ id: JobID, _ recording: any JobRecording) async {
        let isDropped = machine.withLock { $0.holdings[task.number]?.stage } == .ending
        switch await begin(task, id, recording) {
        case nil:
            _ = isDropped ? nil : finish(task, .shutDown)
            end(task, .returned)
        case .over?, .elsewhere?:
            _ = isDropped ? nil : finish(task, .shutDown)
            end(task, .acknowledged)
        case .run(let attempt)?:
            let run = JobRun(attempt: attempt, task: task, recording: recording)
            if isDropped { return await record(run, .cancelled(killed: false), .terminated(15)) }
            await perform(run)
        }
    }

    /// Asks the record until it answers; nil if the worker stops before.
    private func begin(_ task: HeldTask, _ id: JobID, _ recording: any JobRecording) async -> JobBeginning? {
        var backoff = Backoff(first: .milliseconds(100), longest: .seconds(2))
        while machine.withLock({ $0.phase == .running }) {
            do {
                return try await recording.begin(id, delivery: task.delivery, worker: parts.identity)
            } catch {
                parts.logger.error("A job could not be begun.", metadata: ["job": "\(id)", "error": "\(error)"])
            }
            await pause(backoff.next())
        }
        return nil
    }

    private func perform(_ run: JobRun) async {
        async let sending: Void = send(run)
        let begun = ContinuousClock.now
        let outcome = await outcome(of: run)
        run.changes.finish()
        let end = finish(run.task, outcome)
        await sending
        await record(run, Self.outcome(end), end, runtime: begun.duration(to: .now))
    }

    private func outcome(of run: JobRun) async -> WorkerOutcome {
        let message = run.task.message
        guard machine.withLock({ $0.mayRun(run.task) }) else { return .cancelled(killed: false) }
        let payload: [UInt8]
        do {
            payload = try parts.codec.payload(
                of: run.attempt.name,
                arguments: message.arguments,
                kwargs: message.kwargs,
                extra: RawJSON(json: message.custom["dash"] ?? .null)
            )
        } catch {
            return .failed(WorkerFailure(kind: .incompatible, code: "payload", message: "\(error)"))
        }
        let work = WorkerTask(id: run.task.id, name: run.attempt.name, payload: payload)
        return await parts.executor.execute(work) { update in
            switch update {
            case .started(let process): self.started(run.task, process)
            case .progress(let body): run.changes.add(progress: body)
            case .setProps(let body): run.changes.add(props: body)
            }
        }
    }

    /// Sends what the attempt tells, as fast as the record takes it; what comes meanwhile is merged.
    private func send(_ run: JobRun) async {
        while await run.changes.added.wait() {
            while let batch = run.changes.take() {
                do {
                    let standing = try await run.recording.update(
                        run.attempt,
                        progress: batch.progress.values,
                        props: batch.props.values
                    )
                    if standing != .current { stop(run, standing) }
                } catch {
                    parts.logger.error(
                        "A job's changes could not be told.",
                        metadata: ["job": "\(run.attempt.id)", "error": "\(error)"]
                    )
                    run.changes.putBack(batch)
                    guard machine.withLock({ $0.phase != .cold }) else { return }
                    await pause(.milliseconds(500))
                }
            }
        }
    }

    private func stop(_ run: JobRun, _ standing: JobStanding) {
        handle { machine, _ in machine.stop(run.task.number, because: .standing(standing)) }
    }

    /// Stops jobs that somebody cancelled.
    func hearCancellations() async {
        guard let recording = parts.recording else { return }
        while !Task.isCancelled {
            do {
                for await id in try await recording.cancellations() { cancelJob(id) }
            } catch {
                // Each attempt is told at its next change, too.
                parts.logger.warning("Cancellations are not heard yet.", metadata: ["error": "\(error)"])
            }
            // A back-off: who tells of them has waited for a connection already.
            try? await Task.sleep(for: .milliseconds(500))
        }
    }

    private func cancelJob(_ id: JobID) {
        handle { machine, _ in
            guard let number = machine.running[id.text] else { return [] }
            return machine.stop(number, because: .standing(.cancelled))
        }
    }

    /// Writes the end of an attempt, however long that takes, and settles its message.
    private func record(_ run: JobRun, _ outcome: WorkerOutcome, _ end: RunOutcome, runtime: Duration = .zero) async {
        guard end != .standing(.superseded) else { return settle(run, .refused, outcome, nil) }
        var backoff = Backoff(first: .milliseconds(100), longest: .seconds(2))
        let delivery = machine.withLock { $0.delivery(of: run.task) }
        while true {
            do {
                let ending = try await run.recording.end(run.attempt, outcome: outcome, delivery: delivery)
                return settle(run, ending, outcome, event(run, ending, outcome, end, runtime))
            } catch {
                parts.logger.error(
                    "A job's end could not be written.",
                    metadata: ["job": "\(run.attempt.id)", "error": "\(error)"]
                )
            }
            if machine.withLock({ $0.phase == .cold }) { return settle(run, nil, outcome, nil) }
            await pause(backoff.next())
        }
    }

    private func settle(
        _ run: JobRun,
        _ ending: AttemptOutcome?,
        _ outcome: WorkerOutcome,
        _ event: (@Sendable () -> TaskEvent)?
    ) {
        guard let ending else { return self.end(run.task, nil) }
        if run.recording.settlesDeliveries, ending != .refused {
            consumer.settled(machine.withLock { $0.delivery(of: run.task) })
            return self.end(run.task, nil, event: event)
        }
        // A refused end left the message: it goes back, if this worker still holds it, to be judged by the record.
        let isReturned = ending == .again && outcome == .shutDown || run.recording.settlesDeliveries
        self.end(run.task, isReturned ? .returned : .acknowledged, event: event)
    }

    private func event(
        _ run: JobRun,
        _ ending: AttemptOutcome,
        _ outcome: WorkerOutcome,
        _ end: RunOutcome,
        _ runtime: Duration
    ) -> (@Sendable () -> TaskEvent)? {
        guard parts.events.isEnabled, ending != .refused else { return nil }
        let id = run.task.id
        switch (ending, outcome) {
        case (.again, .failed(let failure)):
            let exception = TaskException(failure).repr
            return { .retried(id: id, exception: exception, traceback: failure.trace) }
        case (.finished(.succeeded), .succeeded(let result)):
            let value = try? parts.codec.value(ofResult: result, of: run.attempt.name)
            let text = PythonRepr.of(value ?? .null)
            return { .succeeded(id: id, result: text, runtime: runtime / .seconds(1)) }
        case (.finished(.cancelled), _):
            let signal: Int32 = if case .terminated(let signal) = end { signal } else { 15 }
            return { .revoked(id: id, terminated: true, signal: signal, expired: false) }
        case (.finished, .failed(let failure)):
            let exception = TaskException(failure).repr
            return { .failed(id: id, exception: exception, traceback: failure.trace) }
        default: return nil
        }
    }

    /// What the record is told of a run's end.
    private static func outcome(_ end: RunOutcome) -> WorkerOutcome {
        switch end {
        case .outcome(let outcome): outcome
        case .softLimit(let seconds): .failed(.timedOut("SoftTimeLimitExceeded", seconds))
        case .hardLimit(let seconds): .failed(.timedOut("TimeLimitExceeded", seconds))
        case .terminated, .standing: .cancelled(killed: true)
        case .interrupted: .shutDown
        }
    }
}

/// An attempt of a job in this worker.
struct JobRun: Sendable {
    let attempt: JobAttempt
    let task: HeldTask
    let recording: any JobRecording
    let changes = ChangeFeed()
}

extension WorkerFailure {
    fileprivate static func timedOut(_ code: String, _ seconds: Double) -> WorkerFailure {
        WorkerFailure(
            kind: .timedOut,
            code: code,
            message: "The job took longer than its time limit of \(seconds) seconds."
        )
    }
}

// MARK: - Control

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
