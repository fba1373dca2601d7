import DashJSON

/// What follows the end of a task.
struct CanvasPlan: Sendable, Hashable {
    /// What to send, in this order. After a success before its result is stored, else afterwards.
    var steps: [CanvasStep] = []
    /// The tasks that are sent, for the stored result.
    var children: [JSON] = []
    /// Results to store of tasks that can never run any more: the rest of a failed chain.
    var failures: [ResultMeta] = []
    /// Parts of chords that have ended with all this; to be told after the results are stored.
    var parts: [ChordPart] = []
}

/// Something to do in a plan.
enum CanvasStep: Sendable, Hashable {
    /// Say how many parts a chord has.
    case open(group: String, size: Int)
    /// Send a message to a queue.
    case send(TaskMessage, queue: String)
}

/// How a task ended, as far as what follows it is concerned.
enum TaskEnding: Sendable, Hashable {
    /// With a value.
    case success(RawJSON)
    /// With an exception, and perhaps its traceback.
    case failure(TaskException, traceback: String?)
    /// It did not run, or was stopped.
    case revoked(TaskException)
}
