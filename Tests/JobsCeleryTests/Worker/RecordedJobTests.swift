import DashJSON
import Jobs
import JobsConformance
import Synchronization
import Testing

@testable import JobsCelery

@Suite(.timeLimit(.minutes(10)))
struct RecordedJobTests {
    @Test("the record is asked first, and gets changes and the completion")
    func runs() async throws {
        let records = ScriptedRecords()
        let bench = try WorkerBench(recording: records)
        let id = JobID.new
        try await bench.run {
            bench.send(id.text) { $0.custom = ["dash": [:]] }
            let run = await bench.executor.next()
            #expect(run.task.name == "app/work")
            run.setProps(#"[["a","children",1]]"#)
            while records.calls.count < 2 { await Task.yield() }
            run.succeed("5")
            _ = await bench.settlement(of: id.text)
        }
        #expect(records.calls == ["begin", "update 1: 1", "complete succeeded([53])"])
        #expect(bench.broker.consumer.forgotten == [id.text], "the record's script settled it")
        #expect(bench.results.metas.isEmpty, "the record's script wrote Celery's meta")
    }

    @Test("F4: a job that has completed or runs elsewhere is not run")
    func over() async throws {
        let records = ScriptedRecords(begins: false)
        let bench = try WorkerBench(recording: records)
        let id = JobID.new.text
        try await bench.run {
            bench.send(id) { $0.custom = ["dash": [:]] }
            #expect(await bench.settlement(of: id) == .acknowledged)
        }
        #expect(bench.executor.executedCount == 0)
    }

    @Test(
        "F9: changes that could not be stored are sent again under their number, before later ones and the completion"
    )
    func repeats() async throws {
        let records = ScriptedRecords(failures: 2)
        let bench = try WorkerBench(recording: records)
        let id = JobID.new
        try await bench.run {
            bench.send(id.text) { $0.custom = ["dash": [:]] }
            let run = await bench.executor.next()
            run.setProps(#"[["a","children",1],["b","children",1]]"#)
            while records.calls.count < 2 { await Task.yield() }
            run.setProps(#"[["a","children",2]]"#)
            run.succeed("5")
            _ = await bench.settlement(of: id.text)
        }
        let updates = ["update 1: 2", "update 1: 2", "update 1: 2", "update 2: 1"]
        #expect(records.calls == ["begin"] + updates + ["complete succeeded([53])"])
    }

    @Test("a cancelled job is stopped and completed")
    func cancels() async throws {
        let records = ScriptedRecords()
        let bench = try WorkerBench(recording: records)
        let id = JobID.new
        try await bench.run {
            bench.send(id.text) { $0.custom = ["dash": [:]] }
            _ = await bench.executor.next()
            records.cancel(id)
            _ = await bench.settlement(of: id.text)
        }
        #expect(records.calls.last == "complete cancelled(killed: true)")
    }

    @Test("F5: a superseded attempt is killed and not completed")
    func superseded() async throws {
        let records = ScriptedRecords(standing: .superseded)
        let bench = try WorkerBench(recording: records)
        let id = JobID.new
        try await bench.run {
            bench.send(id.text) { $0.custom = ["dash": [:]] }
            let run = await bench.executor.next()
            run.setProps(#"[["a","children",1]]"#)
            _ = await bench.settlement(of: id.text)
        }
        #expect(records.calls == ["begin", "update 1: 1"])
        // If it still holds the message, the record decides again.
        #expect(bench.broker.consumer.settled == [id.text: .returned])
    }

    @Test("F26: a cold stop completes the attempt as interrupted")
    func cold() async throws {
        let records = ScriptedRecords(ending: .again, settles: false)
        let bench = try WorkerBench(recording: records)
        let running = Task { try await WorkerServices(bench.worker, on: []).run() }
        let id = JobID.new.text
        bench.send(id) { $0.custom = ["dash": [:]] }
        _ = await bench.executor.next()
        running.cancel()
        _ = try? await running.value
        #expect(records.calls.last == "complete shutDown")
        #expect(bench.broker.consumer.settled[id] == .returned)
    }
}

/// Records with scripted answers.
private final class ScriptedRecords: JobRecording {
    let settlesDeliveries: Bool
    private let begins: Bool
    private let standing: JobStanding
    private let ending: AttemptOutcome
    /// How many updates fail first.
    private let failures: Int
    private let log = Mutex<[String]>([])
    private let cancelled = AsyncStream<JobID>.makeStream()

    init(
        begins: Bool = true,
        standing: JobStanding = .current,
        ending: AttemptOutcome = .finished(.succeeded),
        settles: Bool = true,
        failures: Int = 0
    ) {
        self.begins = begins
        self.standing = standing
        self.ending = ending
        settlesDeliveries = settles
        self.failures = failures
    }

    var calls: [String] { log.withLock { $0 } }

    func cancel(_ id: JobID) { cancelled.continuation.yield(id) }

    func begin(_ id: JobID, delivery: JobsCelery.Delivery, worker: WorkerIdentity) async throws -> RecordFacts? {
        log.withLock { $0.append("begin") }
        return begins ? RecordFacts(waiting: JobRequest(id: id, name: "app/work")) : nil
    }

    func update(_ attempt: RecordFacts, _ changes: ChangeSet) async throws -> JobStanding {
        let failing = log.withLock { log in
            log.append("update \(changes.number): \(changes.progress.count + changes.props.count)")
            return log.filter { $0.hasPrefix("update") }.count <= failures
        }
        if failing { throw CeleryError(.unreachable, "The test cut the connection.") }
        return standing
    }

    func complete(
        _ attempt: RecordFacts,
        outcome: WorkerOutcome,
        delivery: JobsCelery.Delivery
    ) async throws -> AttemptOutcome {
        log.withLock { $0.append("complete \(outcome)") }
        return ending
    }

    func observeCancellations(
        of running: @Sendable () -> [JobID],
        _ cancelled: @Sendable (JobID) -> Void
    ) async throws {
        for await id in self.cancelled.stream { cancelled(id) }
    }
}
