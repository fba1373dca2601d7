import DashJSON
import Jobs
import Logging
import ServiceLifecycle
import Synchronization

/// A web server's manager of jobs that run elsewhere: messages over a broker, the truth in Redis.
///
/// Any number of managers work on the same records; a job that one started any other can be asked for. See `JobRecords`.
final class CeleryJobManager: JobManager {
    /// What a manager is made of.
    struct Parts: Sendable {
        var records: JobRecords
        var broker: any CeleryBroker
        var subscriber: any RedisSubscriber
        /// What must run for the others to work: connections. Ended after the last call.
        var connections: [any Service]
        var codec: any JobCodec = PlainJobCodec()
        var jobs: [JobDefinition] = []
        /// The queue of this site's own workers.
        var queue = "dash"
        /// The queue of other programs' workers, where a task names none.
        var remoteQueue = "celery"
        /// The time between two looks at what time has brought about.
        var tick = Duration.seconds(1)
        var logger: Logger
    }

    struct State {
        /// Jobs of other programs' workers that this manager listens for.
        var followed: Set<JobID> = []
        var sweeps = SweepNotes()
    }

    let parts: Parts
    let sweeper: RecordSweeper
    let doorbells = Doorbells()
    let calls = OpenCalls()
    let state = Mutex(State())
    /// Times the manager's own beats; a test's, or this machine's. Times of jobs are Redis'.
    let clock: any JobClock
    let follows: AsyncStream<(id: JobID, name: String)>
    let following: AsyncStream<(id: JobID, name: String)>.Continuation
    private let stopped: AsyncStream<Void>
    private let stopping: AsyncStream<Void>.Continuation

    init(_ parts: Parts) {
        self.parts = parts
        sweeper = RecordSweeper(parts.records)
        clock = parts.records.settings.clock ?? SystemJobClock()
        (follows, following) = AsyncStream.makeStream()
        (stopped, stopping) = AsyncStream.makeStream()
    }

    var records: JobRecords { parts.records }
    var limits: JobManagerConfiguration { parts.records.settings.rules.limits }

    /// Keeps connected and does what time brings about, until the service is asked to stop or the task is cancelled. Those
    /// who wait for news then are given what there is.
    func run() async throws {
        // Not part of this task's cancellation or shutdown: connections stand until the last call has returned.
        let connections = Task.detached { [parts] in try await Self.run(parts.connections) }
        let ended = Task {
            let result = await connections.result
            stop()
            return result
        }
        await withTaskCancellationOrGracefulShutdownHandler {
            await work()
        } onCancelOrGracefulShutdown: {
            self.stop()
        }
        await calls.empty()
        connections.cancel()
        if case .failure(let error) = await ended.value, !(error is CancellationError) { throw error }
    }

    private static func run(_ services: [any Service]) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for service in services { group.addTask { try await service.run() } }
            try await group.waitForAll()
        }
    }

    private func work() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.listen() }
            group.addTask { await self.sweepRegularly() }
            group.addTask { await self.followRemoteJobs() }
            for await _ in stopped {}
            group.cancelAll()
        }
    }

    private func stop() {
        calls.close()
        stopping.finish()
        doorbells.ringAll()
    }

    /// Wakes those whose job's doorbell rings, and all when some may have been missed.
    private func listen() async {
        while !Task.isCancelled {
            do {
                let rings = try await parts.subscriber.messages(of: records.doorbells, isPattern: true)
                doorbells.ringAll()
                for await message in rings {
                    if let message {
                        if let id = records.job(ofDoorbell: message.channel) { doorbells.ring(id) }
                    } else {
                        doorbells.ringAll()
                    }
                }
            } catch {
                parts.logger.debug("Redis is not reached.", metadata: ["error": "\(error)"])
                // A back-off: the subscriber has waited already.
                try? await Task.sleep(for: .milliseconds(200))
            }
        }
    }
}
