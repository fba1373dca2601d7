import DashJSON
import Logging
import ServiceLifecycle
import Testing

@testable import CeleryProtocol
@testable import JobsCelery

@Suite struct EventDispatcherTests {
    @Test("task events are sent only while enabled") func disabled() {
        let events = ControlTestBench(mode: .disabled).events
        #expect(!events.isEnabled)
        events.send(unwanted())
        #expect(events.clock.value == 0)
        #expect(events.enable())
        #expect(!events.enable())
        events.send(.started(id: "a"))
        #expect(events.clock.value == 1)
        #expect(events.disable())
        #expect(!events.isEnabled)
    }

    private func unwanted() -> TaskEvent {
        Issue.record("a disabled event is evaluated")
        return .started(id: "a")
    }

    @Test("with -E events cannot be disabled, and enabling them has no effect") func always() {
        let events = ControlTestBench(mode: .always).events
        #expect(!events.disable())
        #expect(!events.enable())
        #expect(events.isEnabled)
    }

    @Test("a worker sends worker-online and heartbeats, also during a slow command")
    func heartbeats() async throws {
        let latch = ScriptedBroker.Latch()
        let bench = ControlTestBench(
            worker: ScriptedWorker(load: WorkerLoad(active: 3, processed: 7), latch: latch),
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

    @Test("while the broker is unavailable only one heartbeat is kept") func away() async throws {
        let latch = ScriptedBroker.Latch()
        let bench = ControlTestBench(broker: ScriptedBroker(connection: latch))
        let seen = try await bench.sending { broker in
            for await _ in broker.sending.stream { break }  // The first event waits for the connection.
            for number in 0..<30 {
                bench.events.send(.heartbeat)
                bench.events.send(.started(id: "\(number)"))
            }
            latch.open()
            return await broker.events.stream.prefix(4).reduce(into: []) { $0.append(RecordedFixture.body($1)) }
        }
        #expect(seen.map { $0["type"] } == ["worker-online", "worker-heartbeat", nil, nil])
        #expect(seen.map { $0.arrayValue?.count } == [nil, nil, 24, 6])
        let clocks = seen.flatMap(\.orElements).compactMap { $0["clock"].intValue }
        #expect(Set(clocks).count == clocks.count)
    }

    @Test("a graceful shutdown sends the remaining events, then worker-offline") func shutdown() async throws {
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
            bench.events.send(.started(id: "a"))
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            bench.broker.events.continuation.finish()
            var rest: [JSON] = []
            while let event = await stream.next() { rest += RecordedFixture.body(event).orElements }
            #expect(rest.map { $0["type"] } == ["task-started", "worker-offline"])
        }
    }
}
