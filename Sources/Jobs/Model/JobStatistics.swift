/// How much work a manager has.
public struct JobStatistics: Sendable, Hashable {
    /// Jobs that wait for a worker.
    public var queued: Int
    /// Jobs that wait for a time, for example for their next attempt.
    public var scheduled: Int
    /// Jobs that a worker has, those that are being cancelled among them.
    public var running: Int
    /// Finished jobs that are held in memory.
    public var finished: Int
    /// The most jobs that can run at once.
    public var maximumRunning: Int

    /// Makes statistics.
    public init(queued: Int = 0, scheduled: Int = 0, running: Int = 0, finished: Int = 0, maximumRunning: Int = 0) {
        self.queued = queued
        self.scheduled = scheduled
        self.running = running
        self.finished = finished
        self.maximumRunning = maximumRunning
    }
}
