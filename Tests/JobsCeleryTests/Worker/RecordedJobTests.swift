import DashJSON
import Jobs
import JobsConformance
import Synchronization
import Testing

@testable import JobsCelery

@Suite(.timeLimit(.minutes(10)))
struct RecordedJobTests {
    @Test("a job's record is asked first, told on the way and at the end")
    func runs() async throws {
        let records = ScriptedRecords()
        let bench = try WorkerBench(recording: records)
        let id = JobID.new
        try await bench.run {
            bench.send(id.text) { $0.custom = ["dash": [:]] }
            let run = await bench.executor.next()
            #expect(run.task.name == "app/work")
            run.setProps(#"[["a","children",1]]"#)
            while records.told.count < 2 { await Task.yield() }
            run.succeed("5")
            _ = await bench.settlement(of: id.text)
        }
        #expect(records.told == ["begin", "update 1", "end succeeded([53])"])
        #expect(bench.broker.consumer.forgotten == [id.text], "the record's script settled it")
        #expect(bench.results.metas.isEmpty, "the record's script wrote Celery's meta")
    }

    @Test("F4: a job that is over or runs elsewhere is not run", arguments: [true, false])
    func over(isElsewhere: Bool) async throws {
        let records = ScriptedRecords(isElsewhere ? .elsewhere : .over)
        let bench = try WorkerBench(recording: records)
        let id = JobID.new.text
        try await bench.run {
            bench.send(id) { $0.custom = ["dash": [:]] }
            #expect(await bench.settlement(of: id) == .acknowledged)
        }
        #expect(bench.executor.executedCount == 0)
    }

    @Test("a cancelled job is stopped, and its end told")
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
        #expect(records.told.last == "end cancelled(killed: true)")
    }

    @Test("F5: an attempt whose place another took is killed and ends without a word")
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
        #expect(records.told == ["begin", "update 1"])
        // If it still holds the message, that is judged by the record once more.
        #expect(bench.broker.consumer.settled == [id.text: .returned])
    }

    @Test("F26: a cold stop tells the record that the job was interrupted")
    func cold() async throws {
        let records = ScriptedRecords(ending: .again, settles: false)
        let bench = try WorkerBench(recording: records)
        let running = Task { try await WorkerServices(bench.worker, on: []).run() }
        let id = JobID.new.text
        bench.send(id) { $0.custom = ["dash": [:]] }
        _ = await bench.executor.next()
        running.cancel()
        _ = try? await running.value
        #expect(records.told.last == "end shutDown")
        #expect(bench.broker.consumer.settled[id] == .returned)
    }
}

/// Records that answer as the test says.
private final class ScriptedRecords: JobRecording {
    let settlesDeliveries: Bool
    private let beginning: JobBeginning?
    private let standing: JobStanding
    private let ending: AttemptOutcome
    private let heard = Mutex<[String]>([])
    private let cancelled = AsyncStream<JobID>.makeStream()

    init(
        _ beginning: JobBeginning? = nil,
        standing: JobStanding = .current,
        ending: AttemptOutcome = .finished(.succeeded),
        settles: Bool = true
    ) {
        self.beginning = beginning
        self.standing = standing
        self.ending = ending
        settlesDeliveries = settles
    }

    var told: [String] { heard.withLock { $0 } }

    func cancel(_ id: JobID) { cancelled.continuation.yield(id) }

    func begin(_ id: JobID, delivery: JobsCelery.Delivery, worker: WorkerIdentity) async throws -> JobBeginning {
        heard.withLock { $0.append("begin") }
        return beginning ?? .run(JobAttempt(id: id, name: "app/work", number: 1, fence: "f"))
    }

    func update(_ attempt: JobAttempt, progress: [PropertyValue], props: [PropertyValue]) async throws -> JobStanding {
        heard.withLock { $0.append("update \(progress.count + props.count)") }
        return standing
    }

    func end(_ attempt: JobAttempt, outcome: WorkerOutcome, delivery: JobsCelery.Delivery) async throws -> AttemptOutcome {
        heard.withLock { $0.append("end \(outcome)") }
        return ending
    }

    func cancellations() async throws -> AsyncStream<JobID> { cancelled.stream }
}
