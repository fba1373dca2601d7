internal import CDashSpawn

#if canImport(Darwin)
internal import Darwin
#else
internal import Glibc
#endif

/// The side of a worker: what a process that was started by a ``WorkerPool`` does.
public enum WorkerProcess {
    /// Whether this process was started by a pool to be a worker. Programs that a worker starts are not, even if they are
    /// this same executable: the marker is taken out of the environment before `main`.
    public static var isWorker: Bool {
        guard let role = dash_spawn_role() else { return false }
        return String(cString: role) == "worker" && dash_spawn_channel() >= 0
    }

    /// Runs tasks until the pool ends this process; never returns. Ends the process with an error if no pool started it.
    ///
    /// The work runs on threads of its own with stacks of 16 MB. When it is cancelled its Swift task is: a
    /// `CancellationError` it then throws is no error. An error it throws fails its task and nothing else; a thrown
    /// ``WorkerFailure`` is passed on as it is. The main actor stays free for the work, as this function suspends.
    ///
    /// - Parameters:
    ///   - buildID: Which build this is; the pool takes no other than its own.
    ///   - perform: Does one task and returns its result, usually JSON text.
    public static func serve(
        buildID: String = BuildID.current,
        perform: @escaping @Sendable (WorkerTask, WorkerChannel) async throws -> [UInt8]
    ) async -> Never {
        guard isWorker else { fail("WorkerProcess.serve was called in a process that no worker pool started.") }
        let runtime = WorkerRuntime(descriptor: dash_spawn_channel(), perform: perform)
        guard runtime.start(buildID: buildID) else { fail("The system has no room for the threads of a worker.") }
        while true { await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in } }  // It never resumes.
    }

    private static func fail(_ sentence: String) -> Never {
        let line = Array((sentence + "\n").utf8)
        _ = dash_write_all(STDERR_FILENO, line, line.count)
        exit(EXIT_FAILURE)
    }
}
