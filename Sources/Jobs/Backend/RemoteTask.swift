public import DashJSON

/// A task that another program's workers run in place of a job's own code.
public struct RemoteTask: Sendable, Hashable {
    /// The task's name in the other program, for example `proj.tasks.report`.
    public var name: String
    /// The queue its workers take from; nil is the backend's default for other programs.
    public var queue: String?
    /// The positional arguments, an array.
    public var arguments: RawJSON

    /// Names a task with its arguments.
    public init(name: String, queue: String? = nil, arguments: RawJSON) {
        self.name = name
        self.queue = queue
        self.arguments = arguments
    }
}
