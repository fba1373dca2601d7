public import Logging

extension EmbeddedJobManager {
    /// A manager whose jobs end with the process; for tests, and apps that need no more.
    ///
    /// - Parameters:
    ///   - executor: What runs the jobs.
    ///   - configuration: The rules.
    ///   - logger: Where to say what no caller is told.
    public static func inMemory(
        executor: any JobExecutor,
        configuration: JobManagerConfiguration = JobManagerConfiguration(),
        logger: Logger
    ) -> EmbeddedJobManager {
        EmbeddedJobManager(store: MemoryJobStore(), executor: executor, configuration: configuration, logger: logger)
    }
}
