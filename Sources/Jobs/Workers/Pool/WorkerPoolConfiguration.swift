/// The configuration of a ``WorkerPool``.
public struct WorkerPoolConfiguration: Sendable {
    /// The program of the workers. By default this process's executable.
    public var executable: String
    /// The arguments of the workers, starting with the program's name. By default those of this process, so that a
    /// worker reaches ``WorkerProcess/serve(buildID:perform:)`` in the same way.
    public var arguments: [String]
    /// Environment variables of the workers in addition to those of this process.
    public var environment: [String: String] = [:]
    /// The required build of the workers. By default ``BuildID/current``.
    public var buildID: String
    /// The number of workers that are kept ready. By default the number of cores.
    public var warm: Int
    /// The maximum number of workers. By default four times the cores, at least 8.
    public var workers: Int
    /// The number of tasks after which a worker is replaced; nil is unlimited.
    public var maxTasksPerChild: Int?
    /// The idle time after which a worker beyond ``warm`` ends.
    public var idleTimeout: Duration = .seconds(30)
    /// How long a cancelled task may take to end before its processes are killed.
    public var cancelGrace: Duration = .seconds(2)
    /// How long running tasks may continue on graceful shutdown before their processes are killed.
    public var shutdownGrace: Duration = .seconds(5)
    /// How long a process may take to become ready.
    public var startTimeout: Duration = .seconds(30)
    /// More workers start if tasks wait and all workers were busy for this time.
    public var growDelay: Duration = .milliseconds(10)

    /// Creates a configuration with the defaults.
    ///
    /// - Parameters:
    ///   - executable: The program of the workers; nil is this process's executable.
    ///   - arguments: The arguments, starting with the program's name; nil are those of this process.
    ///   - buildID: The required build of the workers; nil is that of this process.
    public init(executable: String? = nil, arguments: [String]? = nil, buildID: String? = nil) {
        let cores = ProcessorCount.online
        self.executable = executable ?? OwnExecutable.path
        self.arguments = arguments ?? CommandLine.arguments
        self.buildID = buildID ?? BuildID.current
        warm = cores
        workers = max(8, 4 * cores)
    }
}

extension WorkerPoolConfiguration {
    /// The configuration with valid limits.
    var corrected: WorkerPoolConfiguration {
        var result = self
        result.workers = max(1, workers)
        result.warm = min(max(0, warm), result.workers)
        result.maxTasksPerChild = maxTasksPerChild.map { max(1, $0) }
        return result
    }
}
