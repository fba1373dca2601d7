import DashJSON
import Jobs
import Testing

@testable import CeleryProtocol
@testable import JobsCelery

/// Commands and arguments without a recording.
@Suite struct ControlPanelTests {
    private let bench: ControlTestBench
    private let panel: ControlPanel

    init() {
        let message = TaskMessage(task: "lab.add", id: "a")
        let delivery = JobsCelery.Delivery(tag: "a", queue: "dash", task: BrokerMessage())
        let job = JobDefinition(name: "add", taskName: "lab.add", version: "1")
        let task = HeldTask(number: 1, delivery: delivery, message: message, job: job)
        let rate = RateBucket(RateLimit(text: "10/m", perSecond: 1 / 6))
        let state = WorkerSnapshot(
            active: [Holding(task: task, delivery: delivery)],
            registered: [
                "lab.sub": TaskRules(), "celery.chord": TaskRules(),
                "lab.add": TaskRules(bucket: rate, limits: RunLimits(hard: 3)),
            ],
            settings: ["broker_url": "amqp://me@host//", "worker_concurrency": 2]
        )
        bench = ControlTestBench(worker: ScriptedWorker(state), mode: .disabled)
        panel = ControlPanel(parts: bench.parts, worker: bench.worker, events: bench.events)
    }

    private func ask(_ method: String, _ arguments: JSONObject = [:]) async -> JSON? {
        await panel.answer(ControlRequest(method: method, arguments: arguments))
    }

    @Test("terminate stops the tasks of this worker and revokes the others") func terminate() async {
        #expect(await ask("terminate", ["signal": "KILL", "task_id": ["a", "b", "a"]]) == ["ok": "terminate: a"])
        #expect(bench.worker.calls == ["terminate a b 9", "revoke b"])
        #expect(bench.revoked.ids == ["a", "b"])
    }

    @Test("revoke accepts all argument formats") func shapes() async {
        #expect(await ask("revoke", ["task_id": "x"]) == ["ok": "tasks {'x'} flagged as revoked"])
        #expect(await ask("revoke", ["task_id": "a", "terminate": 1]) == ["ok": "terminate: a"])
        #expect(await ask("revoke", ["task_id": "a", "terminate": true, "signal": 9]) == ["ok": "terminate: a"])
        #expect(await ask("revoke", ["task_id": []]) == ["ok": "tasks {} flagged as revoked"])
        #expect(bench.worker.calls == ["revoke x", "terminate a 15", "terminate a 9"])
    }

    @Test("an invalid signal terminates no task") func signals() async {
        for name: JSON in ["SIGX", "sigterm", 0, 65, "9x", []] {
            let answer = await ask("terminate", ["signal": name, "task_id": "a"])
            #expect(
                answer == [
                    "error": "The signal \(name) is unknown. Use a name such as SIGTERM, or a number from 1 to 64."
                ]
            )
        }
        #expect(bench.worker.calls == [])
    }

    @Test("missing and invalid arguments return an error that names them") func arguments() async {
        let limit = await ask("rate_limit", ["task_name": "lab.add"])
        #expect(limit == ["error": "The command rate_limit requires the argument rate_limit."])
        let queue = await ask("add_consumer", ["queue": ["q"]])
        #expect(queue == ["error": "The argument queue of the command add_consumer must be a string."])
        for (command, argument) in [("revoke", "task_id"), ("query_task", "ids"), ("hello", "from_node")] {
            #expect(await ask(command) == ["error": "The command \(command) requires the argument \(argument)."])
        }
        for limit: JSON in ["1/w", "abc", "/", "inf", [1], true] {
            let answer = await ask("rate_limit", ["task_name": "lab.add", "rate_limit": limit])
            #expect(answer?["error"].stringValue?.hasPrefix("The rate limit \(limit) is invalid. Use ") == true)
        }
        #expect(bench.worker.calls == [])
    }

    @Test("unknown commands return an error") func unknown() async {
        for command in ["no_such", "autoscale", "pool_restart", "memsample", "election", "dump_active"] {
            #expect(await ask(command) == ["error": "The command \(command) is unknown."])
        }
    }

    @Test("settings are shown") func settings() async {
        let settings = await ask("conf", ["with_defaults": true])
        #expect(settings == ["broker_url": "amqp://me@host//", "worker_concurrency": 2])
        let report = await ask("report")?["ok"].stringValue ?? ""
        #expect(report.contains("\nbroker_url: \"amqp://me@host//\"\nworker_concurrency: 2\n"))
    }

    @Test("registered tasks are shown with their settings, builtins only on request") func registered() async {
        #expect(await ask("registered") == ["lab.add [rate_limit=10/m]", "lab.sub"])
        #expect(await ask("registered", ["taskinfoitems": ["time_limit"]]) == ["lab.add [time_limit=3]", "lab.sub"])
        #expect(await ask("registered", ["builtins": true])?[0] == "celery.chord")
    }

    @Test("rate and time limits are set") func limits() async {
        for limit: JSON in ["10/m", 5, 0, "", "0.5/s", "7/h", nil] {
            _ = await ask("rate_limit", ["task_name": "lab.add", "rate_limit": limit])
        }
        _ = await ask("time_limit", ["task_name": "lab.add", "soft": 1.5])
        #expect(
            bench.worker.calls == [
                "rate lab.add \(10.0 / 60)", "rate lab.add 5.0", "rate lab.add none", "rate lab.add none",
                "rate lab.add 0.5", "rate lab.add \(7.0 / 3600)", "rate lab.add none", "time lab.add 1.5 0.0",
            ]
        )
        #expect(await ask("time_limit", ["task_name": "nope", "hard": 1]) == ["error": "unknown task"])
    }

    @Test("the pool grows and shrinks by n, or by one") func pool() async {
        _ = await ask("pool_grow")
        _ = await ask("pool_shrink", ["n": 2])
        #expect(await ask("pool_grow", ["n": -1])?["error"].isNull == false)
        #expect(bench.worker.calls == ["pool 1", "pool -2"])
    }

    @Test("hello accepts both formats, and the worker's own hello returns null") func hello() async {
        #expect(await ask("hello", ["from_node": "worker1@host"]) == JSON.null)
        _ = await ask("hello", ["from_node": "other", "revoked": ["p"]])
        let answer = await ask("hello", ["from_node": "other", "revoked": ["q": [1.5, "q"]]])
        #expect(answer?["revoked"] == ["p", "q"])
        #expect(answer?["clock"] == 2)
    }

    @Test("the remaining commands") func others() async {
        #expect(await ask("shutdown", ["msg": "bye"]) == nil)
        #expect(bench.worker.calls == ["shutdown"])
        #expect(await ask("heartbeat") == JSON.null)
        #expect(await ask("enable_events") == ["ok": "task events enabled"])
        #expect(await ask("disable_events") == ["ok": "task events disabled"])
    }
}
