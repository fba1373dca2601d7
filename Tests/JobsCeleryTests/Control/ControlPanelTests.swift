import DashJSON
import Testing

@testable import CeleryProtocol
@testable import JobsCelery

/// Commands and arguments without a recording.
@Suite struct ControlPanelTests {
    private let bench: ControlTestBench
    private let panel: ControlPanel

    init() {
        let task = TaskInfo(id: "a", name: "lab.add", type: "lab.add", stamps: ["team": "blue", "n": [1, 2]])
        let state = WorkerSnapshot(
            active: [task],
            registered: [
                RegisteredTask(name: "lab.sub"), RegisteredTask(name: "celery.chord"),
                RegisteredTask(name: "lab.add", rateLimit: RateLimit(text: "10/m", perSecond: 1 / 6), timeLimit: 3),
            ],
            settings: ["broker_url": "amqp://me:secret@host//", "dash_secret_key": "abc", "worker_concurrency": 2]
        )
        bench = ControlTestBench(worker: ScriptedWorker(state), mode: .disabled)
        panel = ControlPanel(
            node: "worker1@host",
            worker: bench.worker,
            revoked: bench.revoked,
            events: bench.events,
            broker: .scripted
        )
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
        #expect(await ask("revoke", ["task_id": []]) == ["ok": "tasks set() flagged as revoked"])
        #expect(bench.worker.calls == ["revoke x", "terminate a 15", "terminate a 9"])
    }

    @Test("an invalid signal terminates no task") func signals() async {
        let unknown = await ask("terminate", ["signal": "SIGX", "task_id": "a"])
        #expect(unknown == ["error": #"AttributeError("module 'signal' has no attribute 'SIGX'")"#])
        let small = await ask("terminate", ["signal": "sigterm", "task_id": "a"])
        #expect(small == ["error": "TypeError('signal name must be uppercase string.')"])
        #expect(bench.worker.calls == [])
    }

    @Test("missing and unknown arguments return Python's errors") func arguments() async {
        #expect(
            await ask("rate_limit")
                == [
                    "error":
                        #"TypeError("rate_limit() missing 2 required positional arguments: 'task_name' and 'rate_limit'")"#
                ]
        )
        #expect(
            await ask("enable_events", ["x": 1])
                == ["error": #"TypeError("enable_events() got an unexpected keyword argument 'x'")"#]
        )
        #expect(await ask("rate_limit", ["task_name": "lab.add", "rate_limit": "1/w"]) == ["error": "KeyError('w')"])
    }

    @Test("stamps are revoked, and running tasks with them terminated") func stamps() async {
        let flagged = await ask("revoke_by_stamped_headers", ["headers": ["team=red"]])
        #expect(flagged == ["ok": "headers {'team': 'red'} flagged as revoked, but not terminated"])
        #expect(bench.revoked.matches(stamps: ["team": ["green", "red"]]))
        #expect(!bench.revoked.matches(stamps: ["team": "blue"]))
        let none = await ask("revoke_by_stamped_headers", ["headers": ["team": "red"], "terminate": true])
        #expect(none == ["ok": "headers {'team': 'red'} were not terminated"])
        let ended = await ask("revoke_by_stamped_headers", ["headers": ["n": [2, 3]], "terminate": true])
        #expect(ended == ["ok": "headers defaultdict(<class 'set'>, {'n': {2}}) revoked"])
        #expect(bench.worker.calls == ["terminate a 15"])
    }

    @Test("settings are shown without secrets") func settings() async {
        let settings = await ask("conf", ["with_defaults": true])
        #expect(
            settings == [
                "broker_url": "amqp://me:********@host//", "dash_secret_key": "********", "worker_concurrency": 2,
            ]
        )
        let report = await ask("report")?["ok"].stringValue ?? ""
        #expect(report.contains("broker_url: 'amqp://me:********@host//'"))
        #expect(!report.contains("secret@"))
    }

    @Test(
        "passwords in addresses are masked",
        arguments: [
            ("redis://:pw@h:1/0", "redis://:********@h:1/0"), ("redis://h", "redis://h"), ("plain", "plain"),
            ("amqp://u:p@a@h//;amqp://u:q@i//", "amqp://u:********@h//;amqp://u:********@i//"),
            ("redis://h/0?x=a:b@c", "redis://h/0?x=a:b@c"),
        ]
    ) func addresses(address: String, masked: String) {
        #expect(Secrets.withoutPassword(address) == masked)
    }

    @Test("registered tasks are shown with their settings, builtins only on request") func registered() async {
        #expect(await ask("registered") == ["lab.add [rate_limit=10/m]", "lab.sub"])
        #expect(await ask("dump_tasks", ["taskinfoitems": ["time_limit"]]) == ["lab.add [time_limit=3]", "lab.sub"])
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
        #expect(await ask("election", ["id": "1", "topic": "t"]) == JSON.null)
        #expect(await ask("memsample")?.stringValue?.hasSuffix("MB") == true)
        #expect(await ask("shutdown", ["msg": "bye"]) == nil)
        #expect(bench.worker.calls == ["shutdown"])
        #expect(await ask("heartbeat") == JSON.null)
        #expect(await ask("enable_events") == ["ok": "task events enabled"])
        #expect(await ask("disable_events") == ["ok": "task events disabled"])
        #expect(await ask("autoscale", ["max": 1, "min": 1]) == ["error": "ValueError('Autoscale not enabled')"])
    }

    @Test(
        "texts are quoted as in Python's repr",
        arguments: [
            ("it's", #""it's""#), ("a\"b'", #"'a"b\''"#), ("é\u{7}\n\\", #"'é\x07\n\\'"#), ("\u{200b}", #"'\u200b'"#),
        ]
    ) func texts(text: String, python: String) {
        #expect(PythonText.quoted(text) == python)
    }
}
