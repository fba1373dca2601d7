public import Jobs
public import Logging

extension EmbeddedJobManager {
    /// A manager whose jobs and cached results are kept in a folder and survive the process.
    ///
    /// - Parameters:
    ///   - folder: The folder. It is made if there is none; one process at a time may use it.
    ///   - executor: What runs the jobs. The manager runs it.
    ///   - configuration: The rules.
    ///   - logger: Where to say what no caller is told.
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
