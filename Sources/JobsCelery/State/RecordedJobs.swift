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
        var named: [JobRecords.Argument] = [
            ("id", id.text), ("tag", delivery.tag), ("worker", worker.id), ("fence", JobID.new.text),
        ]
        named += try await version(of: id)
        let answer = try await records.call(JobScripts.begin, named)
        switch answer[0].text {
        case "run":
            let attempt = JobAttempt(
                id: id,
                name: answer[2].text ?? "",
                number: answer[1].number ?? 1,
                fence: named[3].value.redisBytes.text
            )
            attempts.withLock { $0[attempt] = AttemptNotes(worker: worker.id) }
            return .run(attempt)
        case "elsewhere": return .elsewhere
        default: return .over
        }
    }

    /// The version that the program has for the job, which is looked at in the same step that begins the attempt.
    private func version(of id: JobID) async throws -> [JobRecords.Argument] {
        guard let currentVersion else { return [("versions", ""), ("version", "")] }
        let name = try await records.send(RedisCommand("HGET", records.settings.prefix + "job:" + id.text, "name")).text
        guard let version = currentVersion(name ?? "") else { return [("versions", "gone"), ("version", "")] }
        return [("versions", "one"), ("version", version)]
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

extension [UInt8] {
    fileprivate var text: String { String(decoding: self, as: UTF8.self) }
}
