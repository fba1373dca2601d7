import DashJSON
import Support
import Testing

@testable import CeleryProtocol
@testable import JobsCelery

@Suite struct ControlServiceTests {
    private static let address = ControlRequest.ReplyAddress(exchange: "reply.celery.pidbox", routingKey: "me")

    @Test("read-only requests are answered during a slow command") func lanes() async throws {
        let latch = ScriptedBroker.Latch()
        let bench = ControlTestBench(worker: ScriptedWorker(latch: latch))
        let slow = ControlRequest(method: "add_consumer", arguments: ["queue": "a"], ticket: "1", replyTo: Self.address)
        let ping = ControlRequest(method: "ping", ticket: "2", replyTo: Self.address)
        let tickets = try await bench.sending(slow.message(), ping.message()) { broker in
            var replies = broker.replies.stream.makeAsyncIterator()
            let first = await replies.next()
            latch.open()
            return [first, await replies.next()].map { $0?.headers["ticket"] }
        }
        #expect(tickets == ["2", "1"])
    }

    @Test("changing commands are executed in order") func order() async throws {
        let bench = ControlTestBench()
        let requests = (0..<20).map { number in
            ControlRequest(method: "cancel_consumer", arguments: ["queue": .string("\(number)")])
        }
        try await bench.sending { broker in
            for request in requests { broker.broadcast.continuation.yield(request.message()) }
            for await call in bench.worker.asked.stream where call == "cancel 19" { return }
        }
        #expect(bench.worker.calls == (0..<20).map { "cancel \($0)" })
    }

    @Test("invalid requests and those for other workers are ignored") func others() async throws {
        let bench = ControlTestBench()
        let other = ControlRequest(method: "shutdown", destination: ["other@host"])
        let ping = ControlRequest(method: "ping", ticket: "t", replyTo: Self.address)
        let reply = try await bench.sending(BrokerMessage(body: [1, 2, 3]), other.message(), ping.message()) { broker in
            await broker.replies.stream.first { _ in true }
        }
        #expect(reply?.headers["ticket"] == "t")
        #expect(bench.worker.calls == [])
    }

    @Test("a worker executes a web server's revoke") func remote() async throws {
        let bench = ControlTestBench()
        let call = try await bench.sending { broker in
            try await broker.revoke(["a", "b"], terminate: true)
            return await bench.worker.asked.stream.first { _ in true }
        }
        #expect(call == "terminate a b 15")
        #expect(bench.revoked.contains("a"))
    }

    @Test("no message is consumed before requests are received, as its revocation could be missed")
    func hears() async throws {
        let (hearing, greeted) = (ScriptedBroker.Latch(), AsyncLatch<Void>())
        let bench = ControlTestBench(broker: ScriptedBroker(hearing: hearing), greeted: greeted)
        let (steps, stepping) = AsyncStream<String>.makeStream()
        let taking = Task {
            await greeted.passed()
            stepping.yield("takes")
            stepping.finish()
        }
        try await bench.sending { broker in
            _ = await broker.listening.stream.first { _ in true }
            stepping.yield("hears")
            hearing.open()
            await taking.value
        }
        #expect(await steps.reduce(into: []) { $0.append($1) } == ["hears", "takes"])
    }

    @Test(
        "a starting worker adopts the revoked tasks of others, unless mingling is disabled",
        arguments: [true, false]
    )
    func learns(mingles: Bool) async throws {
        let answers = [
            #"{"a@host":{"revoked":["a"],"clock":700}}"#, #"{"b@host":{"revoked":{"b":[1.5,"b"]},"clock":3}}"#,
            #"{"c@host":null}"#, "[",
        ].map { BrokerMessage(body: Array($0.utf8)) }
        let bench = ControlTestBench(broker: ScriptedBroker(answers: answers), mingles: mingles)
        let ping = ControlRequest(method: "ping", ticket: "t", replyTo: Self.address)
        try await bench.sending(ping.message()) { broker in
            _ = await broker.replies.stream.first { _ in true }
        }
        #expect(bench.revoked.ids == (mingles ? ["a", "b"] : []))
        #expect((bench.events.clock.value > 700) == mingles)
    }
}
