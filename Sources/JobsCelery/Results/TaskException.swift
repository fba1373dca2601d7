import DashJSON
import Jobs

/// An exception as a result holds it: a Python program that asks for the result has it raised.
///
/// Where Python has a class of this module and name, that one is raised; else one is made of the name.
struct TaskException: Error, Sendable, Hashable {
    /// The class' name, with dots if it is nested.
    var type: String
    /// What the exception was made of: usually one text.
    var arguments: [JSON]
    /// The Python module of the class; nil where it is not known.
    var module: String?

    init(type: String, arguments: [JSON], module: String?) {
        self.type = type
        self.arguments = arguments
        self.module = module
    }

    /// As Python shows it: `ValueError('bad', 42)`.
    var repr: String {
        let name = type.split(separator: ".").last.map(String.init) ?? type
        return "\(name)(\(arguments.map { PythonRepr.of($0) }.joined(separator: ", ")))"
    }

    /// What it says, for people.
    var message: String {
        arguments.count == 1 ? arguments[0].stringValue ?? arguments[0].text : JSON.array(arguments).text
    }
}

extension TaskException: JSONConvertible {
    /// Reads an exception of a result, tolerantly: programs of others write a text alone, or leave parts out.
    init(json: JSON) {
        let message = json["exc_message"]
        switch message {
        case .array(let list): arguments = list
        case .null: arguments = []
        default: arguments = [message]
        }
        type = json["exc_type"].stringValue ?? "Exception"
        module = json["exc_module"].stringValue
        if json.objectValue == nil { arguments = json.isNull ? [] : [json] }
    }

    var json: JSON {
        ["exc_type": .string(type), "exc_message": .array(arguments), "exc_module": .text(module)]
    }

    func encode(to writer: inout JSONWriter) { json.encode(to: &writer) }
}

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
