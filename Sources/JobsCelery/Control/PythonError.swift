import DashJSON

/// An error as Celery's tools know it: an answer shows it as Python text, `KeyError('no_such')`.
struct PythonError: Error, Hashable {
    var kind: String
    var argument: String
    /// What a command says before it, where it catches the error itself.
    var introduction = ""

    static func value(_ message: String) -> PythonError { PythonError(kind: "ValueError", argument: message) }

    static func type(_ message: String) -> PythonError { PythonError(kind: "TypeError", argument: message) }

    static func key(_ key: String) -> PythonError { PythonError(kind: "KeyError", argument: key) }

    /// What is answered: the introduction and ``text``.
    var answer: String { introduction + text }

    /// `KeyError('no_such')`
    var text: String { "\(kind)(\(PythonText.quoted(argument)))" }
}
