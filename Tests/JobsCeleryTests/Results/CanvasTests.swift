import DashJSON
import Synchronization
import Testing

@testable import CeleryProtocol
@testable import JobsCelery

@Suite("Canvas plans")
struct CanvasTests {
    private static let notKnown = [
        "header ignore_result": "Python's worker writes the settings of its own tasks; null means their defaults",
        "reply to": "Python names the sending thread",
    ]
    private static let generated = [
        "header argsrepr": "Swift shows the arguments of its own messages as JSON",
        "header kwargsrepr": "Swift shows the arguments of its own messages as JSON",
    ]

    /// A canvas that generates the IDs new1, new2, …
    private func canvas() -> Canvas {
        let count = Counter()
        return Canvas(routes: TaskRoutes(ownTasks: ["swift.add"]), makeID: { "new\(count.next())" })
    }

    /// The distinct messages of a recorded canvas, in order.
    private func tasks(_ name: String) throws -> [RecordedTask] {
        var seen: Set<String> = []
        return try Fixtures.tasks(in: "redis/life-\(name)").filter { seen.insert($0.raw.taskID ?? "").inserted }
    }

    private func compare(_ name: String, _ steps: [CanvasStep], _ recorded: RecordedTask) throws {
        let sent = steps.compactMap { step -> BrokerMessage? in
            if case .send(let message, let queue) = step { message.raw(queue: queue) } else { nil }
        }
        let ours = try #require(sent.first { $0.taskID == recorded.raw.taskID })
        let allowed = Self.notKnown.merging(Self.generated) { first, _ in first }
        var comparison = FieldComparison(name, ours: ours, recorded: recorded.raw, allowing: allowed)
        try comparison.compare()
    }

    @Test func `A chain's next step equals Python's message`() throws {
        let tasks = try tasks("chain")
        let plan = try canvas().plan(after: TaskMessage(tasks[0].raw), .success(RawJSON(3)), now: 0)
        try compare("redis/life-chain", plan.steps, tasks[1])
        #expect(plan.children == [[["00000000-0000-4000-8000-000000000214", nil], nil]])
    }

    @Test func `Callbacks and errbacks equal Python's messages`() throws {
        let tasks = try tasks("link")
        let good = try canvas().plan(after: TaskMessage(tasks[0].raw), .success(RawJSON(3)), now: 0)
        try compare("redis/life-link", good.steps, tasks[2])
        let failure = TaskEnding.failure(
            TaskException(type: "ValueError", arguments: ["x", 42], module: "builtins"),
            traceback: nil
        )
        var canvas = canvas()
        canvas.makeID = { "e9692fd1-96d2-4ff4-ada8-190eeb897316" }
        let bad = try canvas.plan(after: TaskMessage(tasks[1].raw), failure, now: 0)
        try compare("redis/life-link", bad.steps, tasks[3])
        #expect(bad.children.isEmpty)
    }

    @Test func `A chord's body equals Python's message`() throws {
        let tasks = try tasks("chord")
        let message = try TaskMessage(tasks[1].raw)
        let part = try #require(canvas().plan(after: message, .success(RawJSON(7)), now: 0).parts.first)
        #expect(part.index == 1)
        let chord = CompleteChord(part: part, outcome: .success(RawJSON(json: [3, 7])))
        let plan = try canvas().plan(after: chord, now: 0)
        try compare("redis/life-chord", plan.steps, tasks[2])
    }

    @Test func `A retry equals Python's message`() throws {
        let tasks = try Fixtures.tasks(in: "redis/life-retry").filter { $0.raw.headers["retries"] == 1 }
        let first = try TaskMessage(try #require(Fixtures.tasks(in: "redis/life-retry").first).raw)
        let recorded = try #require(tasks.first)
        let again = try first.again(eta: TaskMessage(recorded.raw).eta)
        // Python sends the retry from the worker, so the names of threads differ.
        var comparison = FieldComparison(
            "redis/life-retry",
            ours: again.raw(queue: "celery"),
            recorded: recorded.raw,
            allowing: Self.notKnown
        )
        try comparison.compare()
    }

    @Test func `The rest of a failed chain fails and counts for a chord at its end`() throws {
        var message = TaskMessage(task: "a", id: "1")
        let options: JSONObject = [
            "task_id": "3", "group_id": "g", "group_index": 2, "chord": Signature(task: "body").json,
        ]
        message.chain = [Signature(task: "c", options: options), Signature(task: "b", options: ["task_id": "2"])]
        let plan = try canvas().plan(
            after: message,
            .failure(.workerLost("signal 9 (SIGKILL)"), traceback: "t"),
            now: 5
        )
        #expect(plan.failures.map(\.taskID).sorted() == ["2", "3"])
        #expect(plan.failures.allSatisfy { $0.status == .failure && $0.traceback == "t" })
        #expect(plan.parts.map(\.taskID) == ["3"])
        #expect(plan.parts.first?.group == "g")
        #expect(plan.parts.first?.index == 2)
    }

    @Test func `A revoked chord part is counted, and nothing is sent`() throws {
        var message = TaskMessage(task: "a", id: "1")
        (message.group, message.groupIndex, message.chord) = ("g", 0, Signature(task: "body"))
        message.errbacks = [Signature(task: "e")]
        let plan = try canvas().plan(after: message, .revoked(.revoked("terminated")), now: 5)
        #expect(plan.steps.isEmpty)
        #expect(plan.parts.map(\.state) == [.revoked])
    }

    @Test func `Immutable signatures do not receive the result`() throws {
        var message = TaskMessage(task: "a", id: "1")
        message.chain = [Signature(task: "b", arguments: [5], isImmutable: true)]
        let steps = try canvas().plan(after: message, .success(RawJSON(1)), now: 0).steps
        #expect(steps.messages.map(\.arguments.json) == [[5]])
    }

    @Test func `A group in a chain before another task becomes a chord`() throws {
        let group = Signature.group([Signature(task: "b1"), Signature(task: "b2")])
        var chord = Signature.chord(header: group, body: Signature(task: "c", options: ["task_id": "body"]))
        chord.options["task_id"] = "chord"
        var message = TaskMessage(task: "a", id: "1")
        message.chain = [Signature(task: "last", options: ["task_id": "last"]), chord]
        let plan = try canvas().plan(after: message, .success(RawJSON(9)), now: 0)
        #expect(plan.steps.first == .open(group: "new1", size: 2))
        let messages = plan.steps.messages
        #expect(messages.map(\.task) == ["b1", "b2"])
        #expect(messages.map(\.group) == ["new1", "new1"])
        #expect(messages.map(\.groupIndex) == [0, 1])
        #expect(messages.map(\.arguments.json) == [[9], [9]])
        #expect(messages.allSatisfy { $0.chord?.taskID == "body" && $0.chain.isEmpty && $0.parentID == "1" })
        // The chain after the chord is sent with its body.
        let part = try #require(canvas().plan(after: messages[1], .success(RawJSON(2)), now: 0).parts.first)
        let complete = CompleteChord(part: part, outcome: .success(RawJSON(json: [1, 2])))
        let body = try #require(canvas().plan(after: complete, now: 0).steps.messages.first)
        #expect(body.arguments.json == [[1, 2]])
        #expect(body.chain.map(\.task) == ["last"])
        #expect(body.group == "new1")
        #expect(body.rootID == "1")
    }

    @Test func `A chain in a chord's header counts by its last step`() throws {
        var chain = Signature(
            task: "celery.chain",
            kwargs: ["tasks": [Signature(task: "x").json, Signature(task: "y").json]]
        )
        chain.subtaskType = "chain"
        let chord = Signature.chord(header: .group([Signature(task: "b"), chain]), body: Signature(task: "c"))
        var message = TaskMessage(task: "a", id: "1")
        message.callbacks = [chord]
        let steps = try canvas().plan(after: message, .success(RawJSON(9)), now: 0).steps
        guard case .open(let group, size: 2)? = steps.first else {
            Issue.record("\(steps)")
            return
        }
        let messages = steps.messages
        #expect(messages.map(\.task) == ["b", "x"])
        #expect(messages[1].chord == nil)
        let last = try #require(messages[1].chain.first)
        #expect(last.options["group_id"]?.stringValue == group)
        #expect(last.options["group_index"] == 1)
        #expect(last.options["chord"]?["task"] == "c")
    }

    @Test func `A body that cannot run fails with the rest of its chain, and its errbacks are sent`() throws {
        var body = Signature(task: "c", options: ["task_id": "body", "link_error": [Signature(task: "e").json]])
        body.options["chain"] = [Signature(task: "d", options: ["task_id": "next"]).json]
        let part = ChordPart(
            taskID: "1",
            group: "g",
            state: .failure,
            result: .null,
            body: body,
            rootID: "1",
            claim: "c"
        )
        let chord = CompleteChord(part: part, outcome: .failure(.chordError("Dependency 1 raised E()")))
        let plan = try canvas().plan(after: chord, now: 0)
        #expect(plan.failures.map(\.taskID) == ["body", "next"])
        #expect(plan.failures.first?.exception == .chordError("Dependency 1 raised E()"))
        #expect(plan.steps.messages.map(\.arguments.json) == [["body"]])
    }

    @Test func `Options of a signature set the message's fields`() throws {
        let options: JSONObject = [
            "task_id": "x", "countdown": 1.5, "expires": 10, "time_limit": 30, "soft_time_limit": 20, "priority": 3,
            "shadow": "s", "queue": "q", "headers": ["h": 1], "stamped_headers": ["c"], "c": "v", "ignore_result": true,
            "reply_to": "r", "link": [Signature(task: "l").json], "retries": 2,
        ]
        let signature = Signature(task: "t", kwargs: ["k": 1], options: options)
        let message = try TaskMessage(signature, id: "other", now: 1000)
        #expect(message.id == "x")
        #expect(message.eta == 2500)
        #expect(message.expires == 11_000)
        #expect(message.hardTimeLimit == 30)
        #expect(message.softTimeLimit == 20)
        #expect(message.priority == 3)
        #expect(message.custom == ["h": 1, "stamped_headers": ["c"], "stamps": ["c": "v"]])
        #expect(message.ignoresResult == true)
        #expect(message.callbacks.map(\.task) == ["l"])
        #expect(message.replyTo == "r")
        #expect(canvas().routes.queue(of: signature) == "q")
        #expect(canvas().routes.queue(of: Signature(task: "swift.add")) == "dash")
        #expect(canvas().routes.queue(of: Signature(task: "lab.add")) == "celery")
        let typed: JSON = ["__type__": "datetime", "__value__": "1970-01-01T00:00:09"]
        #expect(try TaskMessage(Signature(task: "t", options: ["eta": typed]), id: "1", now: 0).eta == 9000)
        #expect(throws: CeleryError.self) {
            try TaskMessage(Signature(task: "t", options: ["eta": "soon"]), id: "1", now: 0)
        }
    }
}

extension [CanvasStep] {
    /// The sent messages.
    var messages: [TaskMessage] {
        compactMap { step in if case .send(let message, _) = step { message } else { nil } }
    }
}

private final class Counter: Sendable {
    private let count = Mutex(0)

    func next() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}
