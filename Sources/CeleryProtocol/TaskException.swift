package import DashJSON

/// An exception in a result. A Python program that reads the result raises it.
///
/// Python raises the class of this module and name if it exists, and otherwise creates one.
package struct TaskException: Error, Sendable, Hashable {
    /// The class' name, with dots if it is nested.
    package var type: String
    /// The exception's arguments, usually one text.
    package var arguments: [JSON]
    /// The Python module of the class; nil if unknown.
    package var module: String?

    package init(type: String, arguments: [JSON], module: String?) {
        self.type = type
        self.arguments = arguments
        self.module = module
    }

    /// Almost Python's representation, for display: `ValueError('bad', 42)`.
    package var repr: String {
        let name = type.split(separator: ".").last.map(String.init) ?? type
        return "\(name)(\(arguments.map(Self.repr).joined(separator: ", ")))"
    }

    private static func repr(_ argument: JSON) -> String {
        let text = argument.stringValue.map { "'\($0.replacing("'", with: "\\'"))'" } ?? argument.text
        return text.count > 1024 ? "\(text.prefix(1024))..." : text
    }

    /// The human-readable message.
    package var message: String {
        arguments.count == 1 ? arguments[0].stringValue ?? arguments[0].text : JSON.array(arguments).text
    }
}

extension TaskException: JSONConvertible {
    /// Reads the exception of a result. Tolerant: other programs may write only a text or omit parts.
    package init(json: JSON) {
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

    package var json: JSON {
        ["exc_type": .string(type), "exc_message": .array(arguments), "exc_module": .string(orNull: module)]
    }

    package func encode(to writer: inout JSONWriter) { json.encode(to: &writer) }
}

extension TaskException {
    private static func celery(_ type: String, _ message: String) -> TaskException {
        TaskException(type: type, arguments: [.string(message)], module: "celery.exceptions")
    }

    private static func billiard(_ type: String, _ arguments: [JSON]) -> TaskException {
        TaskException(type: type, arguments: arguments, module: "billiard.exceptions")
    }

    /// The worker process exited, for example by `signal 9 (SIGKILL)`.
    package static func workerLost(_ reason: String) -> TaskException {
        billiard("WorkerLostError", [.string("Worker exited prematurely: \(reason)")])
    }

    /// The task was killed at its time limit.
    package static func timeLimitExceeded(_ seconds: Double) -> TaskException {
        billiard("TimeLimitExceeded", [.seconds(seconds)])
    }

    /// The task was stopped at its soft time limit.
    package static let softTimeLimitExceeded = billiard("SoftTimeLimitExceeded", [])

    /// No task is registered under this name.
    package static func notRegistered(_ task: String) -> TaskException { celery("NotRegistered", task) }

    /// The task was `revoked`, `expired` or `terminated`.
    package static func revoked(_ reason: String) -> TaskException { celery("TaskRevokedError", reason) }

    /// A part of a chord failed, or its body could not be sent.
    package static func chordError(_ message: String) -> TaskException { celery("ChordError", message) }

    /// The message is invalid.
    package static func invalidTask(_ message: String) -> TaskException { celery("InvalidTaskError", message) }

    /// A Swift error. Python raises a class with the error type's name.
    ///
    /// - Parameters:
    ///   - type: The error type's name.
    ///   - message: The error's message.
    package static func swift(_ type: String, _ message: String) -> TaskException {
        TaskException(type: type.isEmpty ? "Error" : type, arguments: [.string(message)], module: "swift")
    }

    /// A Swift error, by its type and description.
    package static func swift(_ error: any Error) -> TaskException {
        if let error = error as? CeleryError { return TaskException(error) }
        return swift("\(Swift.type(of: error))", "\(error)")
    }

    /// The exception for a refused message.
    package init(_ error: CeleryError) {
        switch error.code {
        case .contentType:
            self.init(type: "ContentDisallowed", arguments: [.string(error.description)], module: "kombu.exceptions")
        case .malformed: self = .invalidTask(error.description)
        default: self = .swift("CeleryError", error.description)
        }
    }
}
