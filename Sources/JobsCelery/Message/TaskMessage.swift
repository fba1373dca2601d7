import DashJSON

/// A task as Celery sends it, read and checked: whom it is for, with what, and what follows it.
///
/// Arguments stay JSON text, so that a large input is not parsed only to be written again.
struct TaskMessage: Sendable, Hashable {
    /// The registered name of the task.
    var task: String
    /// The task's id: any text, usually a UUID.
    var id: String
    /// The positional arguments as they were sent, an array. See `plainArguments()` for typed values.
    var arguments: RawJSON
    /// The named arguments as they were sent, an object.
    var keywords: RawJSON

    /// Sent after a success, each with the result in front of its arguments.
    var callbacks: [Signature] = []
    /// Sent after a failure, each with the failed task's id in front of its arguments.
    var errbacks: [Signature] = []
    /// The further steps of a chain, the LAST STEP FIRST, as they travel: the next one is the last element.
    var chain: [Signature] = []
    /// The body of the chord that the task is a part of.
    var chord: Signature?

    /// A name to show in place of `task`.
    var shadow: String?
    /// Not to be started before, in milliseconds since 1970.
    var eta: Int64?
    /// Not to be started after, in milliseconds since 1970.
    var expires: Int64?
    /// The group that the task is a part of.
    var group: String?
    /// The place in that group, which orders a chord's results.
    var groupIndex: Int?
    /// How many times the task was tried again so far.
    var retries = 0
    /// After so many seconds the task is killed; nil leaves it to the worker.
    var hardTimeLimit: Double?
    /// After so many seconds the task is told to stop; nil leaves it to the worker.
    var softTimeLimit: Double?
    /// The id of the first task of the tree: the own id at the top.
    var rootID: String?
    /// The task that sent this one.
    var parentID: String?
    /// The arguments for display, as Python shows them; nil is worked out when written.
    var argumentsRepr: String?
    /// The named arguments for display, as Python shows them; nil is worked out when written.
    var keywordsRepr: String?
    /// Who sent it, for display: `gen<pid>@<host>`.
    var origin: String?
    /// Whether nothing is to be stored of it; nil leaves it to the task.
    var ignoresResult: Bool?
    /// How many times a task replaced itself by this one.
    var replacedTaskNesting = 0
    /// The names of the stamps; nil where there are none.
    var stampedHeaders: [String]?
    /// The stamps' values.
    var stamps = JSONObject()
    /// All other headers, kept as they are: those of the caller, and `dash`, which is ours.
    var custom = JSONObject()

    /// Where an `rpc://` caller waits for the result; else Celery's name of the sending thread.
    var replyTo: String?
    /// The priority as the sender gave it; 0 if it gave none.
    var priority = 0
    /// Whether the message went back to its queue before.
    var isRedelivered = false
    /// 2, or 1 for messages of old senders.
    var protocolVersion = 2

    /// A task with arguments, everything else at its default.
    init(task: String, id: String, arguments: RawJSON = .emptyArray, keywords: RawJSON = .emptyObject) {
        self.task = task
        self.id = id
        self.arguments = arguments
        self.keywords = keywords
    }

    /// The name to show in logs, events and answers.
    var displayName: String { shadow ?? task }

    /// The id of the first task of the tree, which is this one unless another is known.
    var treeID: String { rootID ?? id }
}

extension RawJSON {
    /// `[]`
    static let emptyArray = RawJSON(unchecked: Array("[]".utf8))
    /// `{}`
    static let emptyObject = RawJSON(unchecked: Array("{}".utf8))
}

extension TaskMessage {
    /// The positional arguments with Python's typed values in plain form; see `TypedJSON`.
    func plainArguments() -> RawJSON { TypedJSON.plain(arguments) }

    /// The named arguments with Python's typed values in plain form; see `TypedJSON`.
    func plainKeywords() -> RawJSON { TypedJSON.plain(keywords) }
}
