public import Jobs
public import Logging

/// The manager that this module adds.
extension EmbeddedJobManager {
    /// Creates a manager that persists jobs and cached results in a folder.
    ///
    /// - Parameters:
    ///   - folder: The folder, created if missing. One process at a time may use it.
    ///   - executor: Runs the jobs; run by the manager.
    ///   - configuration: Limits and timeouts.
    ///   - logger: Logs failures that are not thrown to a caller.
    public static func sqlite(
        folder: String,
        executor: any JobExecutor,
        configuration: JobManagerConfiguration = JobManagerConfiguration(),
        logger: Logger
    ) -> EmbeddedJobManager {
        let store = SQLiteJobStore(folder: folder)
        return EmbeddedJobManager(store: store, executor: executor, configuration: configuration, logger: logger)
    }
}
