import DashJSON
import Logging
import ServiceLifecycle
import Testing

@testable import JobsCelery

@Suite struct EventDispatcherTests {
    @Test("nothing is told about tasks before somebody wants it") func disabled() {
        let events = ControlTestBench(mode: .disabled).events
        #expect(!events.isEnabled)
        events.tell(unwanted())
        #expect(events.clock.value == 0)
        #expect(events.enable())
        #expect(!events.enable())
        events.tell(.started(id: "a"))
        #expect(events.clock.value == 1)
        #expect(events.disable())
        #expect(!events.isEnabled)
    }

    private func unwanted() -> TaskEvent {
        Issue.record("a text that nobody wants is not made")
        return .started(id: "a")
    }

    @Test("with -E events cannot be turned off, and turning them on changes nothing") func always() {
        let events = ControlTestBench(mode: .always).events
        #expect(!events.disable())
        #expect(!events.enable())
        #expect(events.isEnabled)
    }

    @Test("a worker tells that it is there, and lives, also while it is asked for something that takes long")
    func heartbeats() async throws {
        let gate = ScriptedBroker.Gate()
        let bench = ControlTestBench(
            worker: ScriptedWorker(load: WorkerLoad(active: 3, processed: 7), gate: gate),
            interval: .milliseconds(1)
        )
        let slow = ControlRequest(method: "add_consumer", arguments: ["queue": "a"]).message()
        let seen = try await bench.sending(slow) { broker in
            let seen = await broker.events.stream.prefix(4).reduce(into: []) { $0.append(RecordedFixture.body($1)) }
            #expect(bench.worker.calls == [])
            return seen
        }
        #expect(
            seen.map { $0["type"] } == ["worker-online", "worker-heartbeat", "worker-heartbeat", "worker-heartbeat"]
        )
        #expect(seen.allSatisfy { $0["active"] == 3 && $0["processed"] == 7 && $0["hostname"] == "worker1@host" })
    }

    @Test("while the broker is away one heartbeat waits, not all") func away() async throws {
        let gate = ScriptedBroker.Gate()
        let bench = ControlTestBench(broker: ScriptedBroker(connection: gate))
        let seen = try await bench.sending { broker in
            for await _ in broker.sending.stream { break }  // the first is on its way and waits
            for number in 0..<30 {
                bench.events.tell(.heartbeat)
                bench.events.tell(.started(id: "\(number)"))
            }
            gate.open()
            return await broker.events.stream.prefix(4).reduce(into: []) { $0.append(RecordedFixture.body($1)) }
        }
        #expect(seen.map { $0["type"] } == ["worker-online", "worker-heartbeat", nil, nil])
        #expect(seen.map { $0.arrayValue?.count } == [nil, nil, 24, 6])
        let clocks = seen.flatMap(\.orElements).compactMap { $0["clock"].intValue }
        #expect(Set(clocks).count == clocks.count)
    }

    @Test("at a graceful shutdown the last events go out, the worker's end at last") func shutdown() async throws {
        let bench = ControlTestBench()
        let group = ServiceGroup(
            services: [bench.service],
            gracefulShutdownSignals: [],
            logger: Logger(label: "test")
        )
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            var stream = bench.broker.events.stream.makeAsyncIterator()
            let first = try #require(await stream.next())
            #expect(RecordedFixture.body(first)["type"] == "worker-online")
            bench.events.tell(.started(id: "a"))
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            bench.broker.events.continuation.finish()
            var rest: [JSON] = []
            while let event = await stream.next() { rest += RecordedFixture.body(event).orElements }
            #expect(rest.map { $0["type"] } == ["task-started", "worker-offline"])
        }
    }
}
