/// A task's state as Celery names it. Programs may have names of their own.
struct TaskState: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    /// The name, as stored.
    let rawValue: String

    init(rawValue: String) {
        self.rawValue = rawValue
    }

    var description: String { rawValue }

    /// Unknown, or waiting; never stored.
    static let pending = TaskState(rawValue: "PENDING")
    /// A worker has it; never stored, only told by events.
    static let received = TaskState(rawValue: "RECEIVED")
    /// It runs; its result is `{"pid", "hostname"}`.
    static let started = TaskState(rawValue: "STARTED")
    /// It runs and tells how far it is.
    static let progress = TaskState(rawValue: "PROGRESS")
    /// It is to be tried again; its result is the exception.
    static let retry = TaskState(rawValue: "RETRY")
    /// It ended; its result is the value.
    static let success = TaskState(rawValue: "SUCCESS")
    /// It ended; its result is the exception.
    static let failure = TaskState(rawValue: "FAILURE")
    /// It was told not to run, or stopped; its result is the exception.
    static let revoked = TaskState(rawValue: "REVOKED")

    /// Whether nothing follows.
    var isReady: Bool { [.success, .failure, .revoked].contains(self) }

    /// Whether the result is an exception.
    var isException: Bool { [.retry, .failure, .revoked].contains(self) }

    /// Whether what waits for the task fails with it.
    var propagates: Bool { [.failure, .revoked].contains(self) }
}
