import DashJSON
import Jobs
import Logging
import Synchronization

/// A worker's view of the records.
final class RecordedJobs: JobRecording {
    let records: JobRecords
    let subscriber: any RedisSubscriber
    let codec: any JobCodec
    /// The version a job of a name has in this program; see `JobManagerConfiguration.currentVersion`.
    let currentVersion: (@Sendable (String) -> String?)?
    /// Sends messages of jobs that are tried again, where the records are not the broker.
    let sender: JobSender?
    let logger: Logger
    /// The names that jobs of a task have in this program, as learned from their records: asking for one first would be a
    /// round trip more for each job.
    private let names = Mutex<[String: String]>([:])
    /// The attempts under way.
    let attempts = Mutex<[JobAttempt: AttemptNotes]>([:])

    init(
        records: JobRecords,
        subscriber: any RedisSubscriber,
        codec: any JobCodec,
        currentVersion: (@Sendable (String) -> String?)?,
        broker: any CeleryBroker,
        logger: Logger
    ) {
        self.records = records
        self.subscriber = subscriber
        self.codec = codec
        self.currentVersion = currentVersion
        sender = records.settings.isBroker ? nil : JobSender(records: records, broker: broker)
        self.logger = logger
    }

    var settlesDeliveries: Bool { records.settings.isBroker }

    func begin(_ id: JobID, delivery: Delivery, worker: WorkerIdentity) async throws -> JobBeginning {
        let fence = JobID.new.text
        let named: [JobRecords.Argument] = [
            ("id", id.text), ("tag", delivery.tag), ("worker", worker.id), ("fence", fence),
        ]
        let task = delivery.task.taskName ?? ""
        var name = names.withLock { $0[task] } ?? ""
        while true {
            let answer = try await records.call(JobScripts.begin, named + version(of: name))
            switch answer[0].text {
            case "run":
                let name = answer[2].text ?? ""
                let attempt = JobAttempt(id: id, name: name, number: answer[1].number ?? 1, fence: fence)
                attempts.withLock { $0[attempt] = AttemptNotes(worker: worker.id) }
                return .run(attempt)
            case "named":
                name = answer[1].text ?? ""
                if currentVersion?(name) != nil { names.withLock { [name] in $0[task] = name } }
            case "elsewhere": return .elsewhere
            default: return .over
            }
        }
    }

    /// The version that the program has for jobs of a name, which is looked at in the same step that begins the attempt. A job
    /// of another name is answered with its name.
    private func version(of name: String) -> [JobRecords.Argument] {
        guard let currentVersion else { return [("versions", ""), ("version", ""), ("name", "")] }
        let version = currentVersion(name)
        return [("versions", version == nil ? "gone" : "one"), ("version", version ?? ""), ("name", name)]
    }
}

/// What a worker remembers of an attempt that it runs.
struct AttemptNotes: Sendable {
    /// Changes that are to be taken in together.
    struct Batch: Sendable {
        var number: Int
        var changes: [any RedisArgument]
    }

    var worker: String
    var lastNumber = 0
    /// Batches that are not known to be in the record, oldest first. They keep their numbers, so that one that is there
    /// already is not taken in again.
    var pending: [Batch] = []

    mutating func add(_ changes: [any RedisArgument]) {
        lastNumber += 1
        pending.append(Batch(number: lastNumber, changes: changes))
    }
}
