import DashJSON
import Foundation
import Jobs
import JobsConformance
import ServiceLifecycle
import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import RedisClient

/// Celery's workers acknowledge a task before they run it, so that a lost task is never reported.
@Suite(
    "Silent tasks of another program's worker",
    .takesTurns,
    .enabled(if: RedisServer.isAvailable, RedisServer.whyNot),
    .timeLimit(.minutes(10))
)
struct RemoteLossTests {
    /// A manager with a remote job and a manual clock.
    private struct Stage {
        let site: TestSite
        let manager: CeleryJobManager
        let broker: RedisBroker
        let clock: ManualJobClock
        let id: JobID

        func field(_ field: String) async throws -> String? {
            try await broker.client.send(RedisCommand("HGET", "dash:job:\(id)", field)).text
        }

        /// The remaining time without an event or a poll, in milliseconds.
        func patience() async throws -> Int {
            let answer = try await broker.client.send(RedisCommand("ZSCORE", "dash:wanted", id.text))
            let time = if case .double(let time) = answer { Int(time) } else { answer.number ?? 0 }
            return time - Int(clock.now().wall.milliseconds)
        }

        /// Waits for the effect of a sweep, without polling the manager, which would renew the interest in the job.
        func waits(until isSo: () async throws -> Bool) async throws -> Bool {
            for _ in 0..<6000 {
                if try await isSo() { return true }
                try await Task.sleep(for: .milliseconds(20))
            }
            return false
        }

        func storeMeta(_ status: TaskState) async throws {
            let meta = ResultMeta(taskID: id.text, status: status)
            try await RedisResults(redis: broker.client).store(meta)
            #expect(try await waits { try await field("state") == "running" })
        }

        /// Whether the job no longer counts toward any limit.
        func isReleased() async throws -> Bool {
            let owners = try await broker.client.send(RedisCommand("HLEN", "dash:owners")).integer
            let bytes = try await broker.client.send(RedisCommand("HGET", "dash:totals", "bytes"))
            let sets = ["dash:remote", "dash:wanted"].map { RedisCommand("ZCARD", $0) }
            let counts = try await broker.client.send(sets).map(\.integer)
            return owners == 0 && bytes == .null && counts == [0, 0]
        }
    }

    private func withRemoteJob(_ body: (Stage) async throws -> Void) async throws {
        try await withRemoteJob(on: RedisServer.shared().database(), body)
    }

    private func withRemoteJob(on url: RedisURL, _ body: (Stage) async throws -> Void) async throws {
        let clock = ManualJobClock()
        var site = TestSite(url)
        (site.settings.clock, site.settings.options.remoteSilence) = (clock, .seconds(600))
        let broker = RedisBroker.patient(site.url)
        let manager = site.manager()
        try await whileRunning(manager, broker) {
            let remote = RemoteTask(name: "proj.report", arguments: .emptyArray)
            let request = JobRequest(name: "a", payload: [1, 2, 3], owner: "ann", remote: remote)
            let id = try await manager.start(request)
            try await body(Stage(site: site, manager: manager, broker: broker, clock: clock, id: id))
        }
    }

    @Test("a task that no worker began and no page polls is cancelled and revoked, without termination")
    func neverBegun() async throws {
        try await withRemoteJob { stage in
            let requests = try await stage.broker.subscriber.messages(
                of: stage.broker.keys.channel(of: "celery.pidbox")
            )
            stage.clock.advance(by: .seconds(179))
            #expect(try await stage.manager.update(of: stage.id, after: 0)?.state == .queued)
            stage.clock.advance(by: .seconds(179))
            #expect(try await stage.manager.update(of: stage.id, after: 0)?.state == .queued)
            stage.clock.advance(by: .seconds(181))
            #expect(try await stage.waits { try await stage.field("state") == "cancelled" })
            #expect(try await stage.field("endReason") == "abandoned")
            #expect(try await stage.isReleased())
            let said = try #require(await requests.first { _ in true } ?? nil)
            let request = try ControlRequest(KombuEnvelope.decode(said.payload).task)
            #expect(request.method == "revoke")
            #expect(request.arguments["task_id"] == [.string(stage.id.text)])
            #expect(request.arguments["terminate"] == false)
        }
    }

    @Test("a task that was begun and is silent, without polls, is lost, with a message")
    func silent() async throws {
        try await withRemoteJob { stage in
            try await stage.storeMeta(.started)
            stage.clock.advance(by: .seconds(599))
            try await stage.storeMeta(.progress)
            #expect(try await stage.waits { try await stage.patience() == 600_000 })
            stage.clock.advance(by: .seconds(601))
            #expect(try await stage.waits { try await stage.field("state") == "lost" })
            #expect(try await stage.field("failureMessage")?.contains("sent nothing for 600 seconds") == true)
            #expect(try await stage.isReleased())
        }
    }

    @Test("sweeps that read the stored result of a silent task do not count as polls of it")
    func swept() async throws {
        let server = try await RedisServer.start()
        try await withRemoteJob(on: RedisURL(server.address)) { stage in
            try await stage.storeMeta(.started)
            #expect(try await stage.waits { try await stage.patience() == 600_000 })
            for _ in 0..<3 {
                let before = try await stage.broker.client.calls(of: "mget")
                stage.clock.advance(by: .seconds(100))
                #expect(try await stage.waits { try await stage.broker.client.calls(of: "mget") > before })
            }
            #expect(try await stage.patience() == 300_000)
        }
    }

    @Test("a long task continues while its page is open")
    func asked() async throws {
        try await withRemoteJob { stage in
            try await stage.storeMeta(.started)
            let page = Task { try await stage.manager.nextUpdate(of: stage.id, after: .max) }
            for _ in 0..<8 {
                stage.clock.advance(by: .seconds(150))
                #expect(try await stage.waits { try await stage.patience() >= 180_000 })
            }
            #expect(try await stage.field("state") == "running")
            page.cancel()
            _ = try await page.value
            // A concurrent sweep may have renewed the page's interest once more.
            let isLost = try await stage.waits {
                stage.clock.advance(by: .seconds(601))
                return try await stage.field("state") == "lost"
            }
            #expect(isLost)
        }
    }

    @Test("the task of a killed Python worker is lost and frees its slot", .enabled(if: PythonProgram.isAvailable))
    func killedPython() async throws {
        let script = """
            import sys, time, celery
            app = celery.Celery(broker=sys.argv[1], backend=sys.argv[1])
            app.conf.task_track_started = True
            @app.task(name="proj.report")
            def report():
                time.sleep(600)
            app.worker_main(["worker", "-P", "solo", "-n", "py@host", "--loglevel", "ERROR"])
            """
        try await withRemoteJob { stage in
            let address = "\(try await RedisServer.shared().address)/\(stage.site.url.database)"
            let worker = try TestServerProcess(PythonProgram.path, arguments: ["-c", script, address])
            defer { worker.end(SIGKILL) }
            #expect(try await stage.waits { try await stage.field("state") == "running" })
            worker.end(SIGKILL)
            stage.clock.advance(by: .seconds(601))
            #expect(try await stage.waits { try await stage.field("state") == "lost" })
            #expect(try await stage.isReleased())
        }
    }
}
