import Jobs
import Support

/// What a worker has to do after an event.
enum WorkerAction: Sendable {
    /// Run a task that has a slot now.
    case begin(HeldTask)
    /// Report the completion of a task that is not run.
    case drop(HeldTask, DropReason)
    /// Settle a delivery that belongs to no held task.
    case settle(Delivery, Settlement)
    /// Forget a delivery whose message was delivered again.
    case forget(Delivery)
    /// Stop a running task.
    case stop(String, StopForce)
    /// Copy the message to the vault and acknowledge it.
    case handOver(HeldTask, Delivery)
    /// Call the machine's `timePassed` at this time.
    case wake(ContinuousClock.Instant)
    /// Change how many tasks run at once, and how many messages are held.
    case resize(slots: Int, prefetch: Int)
    /// Change how many messages are held.
    case limit(prefetch: Int)
    case stopFetching
    /// No message is held any more, and none will be.
    case drained
}

/// Why a task is not run.
enum DropReason: String {
    case revoked
    case expired
}

/// Why a running task is to stop.
enum StopReason: Sendable, Hashable {
    /// Its soft time limit in seconds is exceeded; it may clean up.
    case softLimit(Double)
    /// Its time limit in seconds is exceeded.
    case hardLimit(Double)
    /// Remote control terminated it with this signal.
    case terminated(Int32)
    /// The worker stops at once.
    case coldShutdown
    /// The record of the job says so.
    case standing(JobStanding)

    var force: StopForce {
        switch self {
        case .softLimit: .interrupt
        case .hardLimit, .coldShutdown, .standing(.superseded): .kill
        case .terminated(let signal): signal == 9 ? .kill : .cancel
        case .standing: .cancel
        }
    }
}

/// How a task is stopped.
enum StopForce: Sendable, Hashable {
    /// It is asked to stop, without a time limit.
    case interrupt
    /// It is asked to stop, and killed after a while.
    case cancel
    case kill
}

/// How a run ended, in view of why it was to stop.
enum RunOutcome: Sendable, Hashable {
    /// It was not stopped: `cancelled` is not among these.
    case outcome(WorkerOutcome)
    /// By this time limit, in seconds.
    case softLimit(Double)
    case hardLimit(Double)
    case terminated(Int32)
    case standing(JobStanding)
    /// Through no fault of its own; it may run again elsewhere.
    case interrupted

    init(_ outcome: WorkerOutcome, stoppedBy reason: StopReason?) {
        self =
            switch (outcome, reason) {
            case (.shutDown, _): .interrupted
            // A success counts in spite of the stop.
            case (.succeeded, _), (.failed, nil), (.failed, .softLimit): .outcome(outcome)
            case (_, .softLimit(let seconds)?): .softLimit(seconds)
            case (_, .hardLimit(let seconds)?): .hardLimit(seconds)
            case (_, .terminated(let signal)?): .terminated(signal)
            case (_, .coldShutdown?): .interrupted
            case (_, .standing(let standing)?): .standing(standing)
            case (.cancelled, nil): .terminated(15)
            }
    }
}

/// The time of an event: by the monotonic clock for waits, and by the wall clock for times in messages.
struct WorkerTime: Sendable {
    var instant: ContinuousClock.Instant
    /// Milliseconds since 1970.
    var wall: Int64

    static var now: WorkerTime { WorkerTime(instant: .now, wall: WallClock.milliseconds()) }

    /// The instant of a wall clock time.
    func instant(at wall: Int64) -> ContinuousClock.Instant {
        instant + .milliseconds(wall - self.wall)
    }
}
