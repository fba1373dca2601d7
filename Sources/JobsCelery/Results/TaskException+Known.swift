import DashJSON
import Jobs

extension TaskException {
    /// The worker's process died: `signal 9 (SIGKILL)` and the like.
    static func workerLost(_ reason: String) -> TaskException {
        TaskException(
            type: "WorkerLostError",
            arguments: [.string("Worker exited prematurely: \(reason)")],
            module: "billiard.exceptions"
        )
    }

    /// The task was killed after so many seconds.
    static func timeLimitExceeded(_ seconds: Double) -> TaskException {
        TaskException(type: "TimeLimitExceeded", arguments: [.seconds(seconds)], module: "billiard.exceptions")
    }

    /// The task was told to stop because of its soft limit.
    static let softTimeLimitExceeded = TaskException(
        type: "SoftTimeLimitExceeded",
        arguments: [],
        module: "billiard.exceptions"
    )

    /// There is no task of this name here.
    static func notRegistered(_ task: String) -> TaskException {
        TaskException(type: "NotRegistered", arguments: [.string(task)], module: "celery.exceptions")
    }

    /// It was `revoked`, `expired` or `terminated`.
    static func revoked(_ reason: String) -> TaskException {
        TaskException(type: "TaskRevokedError", arguments: [.string(reason)], module: "celery.exceptions")
    }

    /// The task refused its message.
    static func reject(_ reason: String, requeue: Bool) -> TaskException {
        TaskException(type: "Reject", arguments: [.string(reason), .bool(requeue)], module: "celery.exceptions")
    }

    /// The task is to be tried again.
    static func retry(_ message: String) -> TaskException {
        TaskException(type: "Retry", arguments: [.string(message)], module: "celery.exceptions")
    }

    /// A part of a chord failed, or its body could not be sent.
    static func chordError(_ message: String) -> TaskException {
        TaskException(type: "ChordError", arguments: [.string(message)], module: "celery.exceptions")
    }

    /// A message that cannot be run.
    static func invalidTask(_ message: String) -> TaskException {
        TaskException(type: "InvalidTaskError", arguments: [.string(message)], module: "celery.exceptions")
    }

    /// An error of Swift: Python raises a class of the error type's name.
    ///
    /// - Parameters:
    ///   - type: The error type's name.
    ///   - message: What the error says.
    static func swift(_ type: String, _ message: String) -> TaskException {
        TaskException(type: type.isEmpty ? "Error" : type, arguments: [.string(message)], module: "swift")
    }

    /// An error of Swift, by its type and description.
    static func swift(_ error: any Error) -> TaskException {
        if let error = error as? CeleryError { return TaskException(error) }
        return swift("\(Swift.type(of: error))", "\(error)")
    }

    /// What a message is refused with.
    init(_ error: CeleryError) {
        switch error.code {
        case .contentType:
            self.init(type: "ContentDisallowed", arguments: [.string(error.description)], module: "kombu.exceptions")
        case .malformed: self = .invalidTask(error.description)
        default: self = .swift("CeleryError", error.description)
        }
    }

    /// Why a worker process did not finish a task; time limits are told by the worker, which knows them.
    init(_ failure: WorkerFailure) {
        switch failure.kind {
        case .crash: self = .workerLost(failure.message)
        case .error: self = .swift(failure.code, failure.message)
        default: self = .swift("WorkerFailure", failure.message)
        }
    }
}
