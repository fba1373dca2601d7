/// What a worker has to do after something happened.
enum WorkerAction: Sendable {
    /// Run a task that has a slot now.
    case begin(HeldTask)
    /// Tell the end of a task that is not run.
    case drop(HeldTask, Delivery, DropReason)
    /// Settle a delivery that is none of a held task any more.
    case settle(Delivery, Settlement)
    /// Forget a delivery whose message came again with another one.
    case forget(Delivery)
    /// Stop a running task.
    case stop(String, StopForce)
    /// Keep the message in another place and acknowledge it.
    case handOver(HeldTask, Delivery)
    /// Call the machine's `timePassed` at this time.
    case wake(ContinuousClock.Instant)
    /// Run so many tasks at once, and hold so many messages.
    case resize(slots: Int, prefetch: Int)
    /// Hold so many messages at once.
    case limit(prefetch: Int)
    case stopFetching
    /// Nothing is held any more, and nothing will be.
    case drained
}

/// Why a task is not run.
enum DropReason: Sendable, Hashable {
    case revoked
    case expired
}

/// When something happens: by the clock for waits and by that for times in messages.
struct WorkerTime: Sendable {
    var instant: ContinuousClock.Instant
    /// Milliseconds since 1970.
    var wall: Int64

    /// The instant at which a time of day will have come.
    func instant(at wall: Int64) -> ContinuousClock.Instant {
        instant + .milliseconds(wall - self.wall)
    }
}
