/// How a ``WorkerPool`` starts, keeps and ends its processes.
public struct WorkerPoolConfiguration: Sendable {
    /// The program of the workers. By default this process's own executable.
    public var executable: String
    /// The arguments of the workers, the program's name first. By default this process's own, so that a worker comes by
    /// the same way to its ``WorkerProcess/serve(buildID:perform:)``.
    public var arguments: [String]
    /// Environment variables the workers have over this process's own.
    public var environment: [String: String] = [:]
    /// The build the workers must be of. By default this process's own, ``BuildID/current``.
    public var buildID: String
    /// How many workers are kept ready. By default the number of cores.
    public var warm: Int
    /// How many workers there are at most, when tasks wait. By default four times the cores, at least 8.
    public var workers: Int
    /// After so many tasks a worker is ended and another one started; nil is never.
    public var maxTasksPerChild: Int?
    /// After this time without work a worker beyond ``warm`` is ended.
    public var idleTimeout: Duration = .seconds(30)
    /// How long cancelled work may take to end by itself before its processes are killed.
    public var cancelGrace: Duration = .seconds(2)
    /// How long running work may go on at a graceful shutdown before its processes are killed.
    public var shutdownGrace: Duration = .seconds(5)
    /// How long a process may take until it is ready for work before it is given up.
    public var startTimeout: Duration = .seconds(30)
    /// When all workers were busy for this time while tasks wait, more workers are started.
    public var growDelay: Duration = .milliseconds(10)

    /// The defaults, for workers that are processes of an executable.
    ///
    /// - Parameters:
    ///   - executable: The program of the workers; nil is this process's own executable.
    ///   - arguments: The workers' arguments, the program's name first; nil is this process's own.
    ///   - buildID: The build the workers must be of; nil is this process's own.
    public init(executable: String? = nil, arguments: [String]? = nil, buildID: String? = nil) {
        let cores = ProcessorCount.online
        self.executable = executable ?? OwnExecutable.path
        self.arguments = arguments ?? CommandLine.arguments
        self.buildID = buildID ?? BuildID.current
        warm = cores
        workers = max(8, 4 * cores)
    }
}
