/// Where a job stands. A job has exactly one state at a time and never leaves a finished one.
public enum JobState: String, Sendable, Hashable, CaseIterable {
    /// Waits for a time, for example the next attempt after a failure.
    case scheduled
    /// Waits for a free worker.
    case queued
    /// A worker has it.
    case running
    /// A running job was asked to stop and has not ended yet. Its result will not be used.
    case cancelling
    /// Ended with a result.
    case succeeded
    /// Ended with an error, a crash, or without having been run.
    case failed
    /// Ended because somebody asked for it, or because nobody asked for it any more.
    case cancelled
    /// Ended because its time limit passed.
    case timedOut
    /// Was running when its server or worker vanished, so that nobody knows how far it came.
    case lost

    /// Whether the job has ended: its news will not change any more.
    public var isFinished: Bool {
        switch self {
        case .scheduled, .queued, .running, .cancelling: false
        case .succeeded, .failed, .cancelled, .timedOut, .lost: true
        }
    }
}
