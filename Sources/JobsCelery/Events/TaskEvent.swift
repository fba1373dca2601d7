/// What a worker tells about a task. Texts are Python's way of writing values.
enum TaskEvent: Sendable, Hashable {
    /// A message came.
    case received(ReceivedTask)
    /// Its code runs.
    case started(id: String)
    /// It gave a value; `runtime` in seconds.
    case succeeded(id: String, result: String, runtime: Double)
    /// It failed; a task that is not known here has no trace.
    case failed(id: String, exception: String, traceback: String?)
    /// It will be tried again.
    case retried(id: String, exception: String, traceback: String?)
    /// It is not run, or not to its end.
    case revoked(id: String, terminated: Bool, signal: Int32?, expired: Bool)
    /// Its message was refused.
    case rejected(id: String, requeue: Bool)
}

/// What a worker tells about a task whose message came.
struct ReceivedTask: Sendable, Hashable {
    var id: String
    var name: String
    /// `(1, 2)`.
    var arguments: String
    /// `{'y': 2}`.
    var keywords: String
    var rootID: String?
    var parentID: String?
    var retries = 0
    /// ISO 8601, as in the message.
    var eta: String?
    /// ISO 8601, as in the message.
    var expires: String?
}
