import DashJSON
import Support
import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import RedisClient

@Suite("A broker on Redis", .takesTurns, .enabled(if: RedisServer.isAvailable, RedisServer.whyNot))
struct RedisBrokerTests {
    @Test("publishes as Celery does: to the priority's list, with the queue's bindings in both sets")
    func publish() async throws {
        let stage = try await RedisStage()
        try await whileRunning(stage.broker) {
            try await stage.broker.publish(RedisStage.task(1))
            try await stage.broker.publish(RedisStage.task(2, priority: 5))
            let member = "q\u{06}\u{16}\u{06}\u{16}q"
            for set in ["_kombu.binding.q", "_kombu.binding_permanent.q"] {
                let members = try await stage.redis("SMEMBERS", set)
                #expect(members.elements?.compactMap(\.text) == [member])
            }
            let raw = try #require(try await stage.redis("LINDEX", "q\u{06}\u{16}3", 0).bytes)
            #expect(try KombuEnvelope.decode(raw).task == RedisStage.task(2, priority: 5))
        }
    }

    @Test("delivers by ascending priority number, oldest first")
    func order() async throws {
        let stage = try await RedisStage()
        let consumer = stage.consumer()
        try await whileRunning(stage.broker) {
            for (number, priority) in [9, 0, 6, 3, 0].enumerated() {
                try await stage.broker.publish(RedisStage.task(number, priority: priority))
            }
            try await whileRunning(consumer) {
                let all = await RedisStage.take(5, from: consumer)
                #expect(all.compactMap(RedisStage.number) == [1, 4, 3, 2, 0])
            }
        }
    }

    @Test("holds a delivery as Celery does until it is acknowledged or rejected, then removes it from all keys")
    func settlement() async throws {
        let stage = try await RedisStage()
        let consumer = stage.consumer()
        try await whileRunning(stage.broker, consumer) {
            try await stage.broker.publish(RedisStage.task(1))
            try await stage.broker.publish(RedisStage.task(2))
            let deliveries = await RedisStage.take(2, from: consumer)
            try await stage.expectHeld(2)
            let entry = try #require(try await stage.redis("HGET", "unacked", deliveries[0].tag).bytes)
            let parts = try #require(try JSON(parsing: entry).arrayValue)
            #expect(parts.count == 3 && parts[1] == "" && parts[2] == "q")
            await consumer.settle(deliveries[0], as: .acknowledged)
            await consumer.settle(deliveries[1], as: .rejected)
            try await stage.expectHeld(0)
            #expect(try await stage.redis("LLEN", "q") == .integer(0))
        }
    }

    @Test("requeues a returned delivery first in its list, marked as redelivered")
    func returned() async throws {
        let stage = try await RedisStage()
        let consumer = stage.consumer(prefetch: 1)
        try await whileRunning(stage.broker, consumer) {
            try await stage.broker.publish(RedisStage.task(1))
            try await stage.broker.publish(RedisStage.task(2))
            let first = await RedisStage.take(1, from: consumer)[0]
            await consumer.settle(first, as: .returned)
            let again = await RedisStage.take(1, from: consumer)[0]
            #expect(RedisStage.number(again) == 1 && again.isRedelivered && again.tag == first.tag)
            #expect(again.task.headers["redelivered"] == true)
            await consumer.settle(again, as: .acknowledged)
            let second = await RedisStage.take(1, from: consumer)[0]
            #expect(RedisStage.number(second) == 2 && !second.isRedelivered)
        }
    }

    @Test("parks a postponed delivery until it is due")
    func postponed() async throws {
        let stage = try await RedisStage()
        let consumer = stage.consumer(prefetch: 1)
        try await whileRunning(stage.broker, consumer) {
            let due = try await stage.time() + 5000
            try await stage.broker.publish(RedisStage.task(1, priority: 6))
            await consumer.settle(await RedisStage.take(1, from: consumer)[0], as: .postponed(until: due))
            try await stage.expectHeld(0)
            try await stage.broker.publish(RedisStage.task(2))
            let other = await RedisStage.take(1, from: consumer)[0]
            #expect(RedisStage.number(other) == 2, "it blocks no other message")
            await consumer.settle(other, as: .acknowledged)
            let late = await RedisStage.take(1, from: consumer)[0]
            #expect(RedisStage.number(late) == 1 && !late.isRedelivered && late.task.priority == 6)
            let time = try await stage.time()
            #expect(time >= due && time < due + 50_000)
            #expect(try await stage.redis("EXISTS", "dash:eta", "dash:parked") == .integer(0))
        }
    }

    @Test("stores the exchange and routing key that Python restores a message with, for any envelope format")
    func envelopes() async throws {
        let stage = try await RedisStage()
        let consumer = stage.consumer()
        let body = Array("[[1], {}, {}]".utf8)
        let head = #""body": "\#(Base64.encode(body))", "headers": {"task": "t", "id": "i"#
        let decoyInfo = #""delivery_info": {"exchange": "d", "routing_key": "decoy"}"#
        let decoy = #""properties": {"delivery_tag": "decoy", \#(decoyInfo)}"#
        let info = #""delivery_info": {"exchange": "x", "routing_key": "q.1"}, "body_encoding": "base64""#
        let unusual = info.replacing("q.1", with: #"größe \" ö"#)
        let texts = [
            #"{\#(head)1"}, "properties": {\#(info), "delivery_tag": "tag-1"}}"#,
            #"{"properties": {"delivery_tag": "tag-2", \#(info)}, \#(head)2", \#(decoy)}}"#,
            #"{\#(head)3", \#(decoy)}, "properties": {"delivery_tag": "tag-3", \#(info)}}"#,
            #"{\#(head)4"}, "properties": {"delivery_tag": "tag-4", \#(unusual)}}"#,
        ]
        try await whileRunning(stage.broker, consumer) {
            for text in texts { _ = try await stage.redis("LPUSH", "q", text) }
            let deliveries = await RedisStage.take(texts.count, from: consumer)
            #expect(deliveries.map(\.tag) == ["tag-1", "tag-2", "tag-3", "tag-4"])
            for (delivery, key) in zip(deliveries, ["q.1", "q.1", "q.1", "größe \" ö"]) {
                let entry = try await stage.redis("HGET", "unacked", delivery.tag).text ?? ""
                let parts = try JSON(parsing: entry)
                #expect(parts[1] == "x" && parts[2] == .string(key))
            }
        }
    }

    @Test("F28: rejects unreadable messages with the reason and continues")
    func malformed() async throws {
        let stage = try await RedisStage()
        let consumer = stage.consumer()
        let bad = ["rubbish", "[1]", "{}", #"{"properties":{"delivery_tag":"x"},"body":1}"#, "\u{1}"]
        try await whileRunning(stage.broker, consumer) {
            for text in bad { _ = try await stage.redis("LPUSH", "q", text) }
            try await stage.broker.publish(RedisStage.task(7))
            let delivery = await RedisStage.take(1, from: consumer)[0]
            #expect(RedisStage.number(delivery) == 7)
            let rejected = try await stage.redis("LRANGE", "dash:rejected", 0, -1).elements ?? []
            #expect(rejected.count == bad.count)
            for text in rejected.compactMap(\.text) {
                let entry = try JSON(parsing: text)
                #expect(entry["reason"].stringValue?.isEmpty == false && entry["queue"] == "q")
            }
            try await stage.expectHeld(1)
        }
    }

    @Test("F28: hundreds of unreadable messages block no others, and only the newest are kept")
    func manyMalformed() async throws {
        let stage = try await RedisStage()
        let consumer = stage.consumer()
        try await whileRunning(stage.broker) {
            for number in 0..<1500 { _ = try await stage.redis("LPUSH", "q", "bad \(number)") }
            try await stage.broker.publish(RedisStage.task(7))
            try await whileRunning(consumer) {
                #expect(RedisStage.number(await RedisStage.take(1, from: consumer)[0]) == 7)
                #expect(try await stage.redis("LLEN", "dash:rejected") == .integer(1000))
                let newest = try await stage.redis("LINDEX", "dash:rejected", 0).text
                #expect(newest?.contains("bad 1499") == true)
            }
        }
    }

    @Test("delivers messages without a tag, and two messages with the same tag separately")
    func tags() async throws {
        let stage = try await RedisStage()
        let consumer = stage.consumer()
        let copy = KombuEnvelope.encode(RedisStage.task(1), tag: "same")
        try await whileRunning(stage.broker, consumer) {
            _ = try await stage.redis("LPUSH", "q", copy, copy)
            _ = try await stage.redis("LPUSH", "q", #"{"body":"[[3],{},{}]","headers":{},"properties":{}}"#)
            let all = await RedisStage.take(3, from: consumer)
            #expect(Set(all.map(\.tag)).count == 3)
            try await stage.expectHeld(3)
            for delivery in all { await consumer.settle(delivery, as: .returned) }
            let again = await RedisStage.take(3, from: consumer)
            #expect(again.filter(\.isRedelivered).count == 3)
            for delivery in again { await consumer.settle(delivery, as: .acknowledged) }
            try await stage.expectHeld(0)
        }
    }

    @Test("wakes an idle consumer at once, without polling")
    func wakeUp() async throws {
        // A separate server, where only this consumer calls LLEN.
        let server = try await RedisServer.start()
        let stage = try await RedisStage(RedisURL(server.address))
        let consumer = stage.consumer()
        try await whileRunning(stage.broker, consumer) {
            var times: [Duration] = []
            for number in 0..<20 {
                let looks = try await stage.broker.client.calls(of: "llen")
                async let waiting = consumer.fetch(upTo: 1)
                // The consumer has found all lists empty.
                let steps = stage.broker.keys.prioritySteps.count
                try await until { try await stage.broker.client.calls(of: "llen") >= looks + steps }
                let start = ContinuousClock.now
                try await stage.broker.publish(RedisStage.task(number, priority: number % 10))
                let delivery = await waiting[0]
                times.append(ContinuousClock.now - start)
                #expect(RedisStage.number(delivery) == number)
                await consumer.settle(delivery, as: .acknowledged)
            }
            times.sort()
            print("From publishing to an idle consumer: \(times[10]) (median), \(times[19]) (longest).")
            // Much earlier than its next look at the lists, which is for lost notifications.
            #expect(times[0] < .milliseconds(50))
        }
    }

    @Test("delivers from added queues, not from cancelled ones, and from all in turn")
    func queues() async throws {
        let stage = try await RedisStage()
        let consumer = stage.consumer(queues: ["a", "b"], prefetch: 2)
        try await whileRunning(stage.broker) {
            for number in 0..<6 { try await stage.broker.publish(RedisStage.task(number, queue: "a")) }
            for number in 6..<8 { try await stage.broker.publish(RedisStage.task(number, queue: "b")) }
            try await whileRunning(consumer) {
                let some = await RedisStage.take(2, from: consumer)
                #expect(Set(some.map(\.queue)) == ["a", "b"])
                for delivery in some { await consumer.settle(delivery, as: .acknowledged) }
                try await consumer.cancel(queue: "a")
                try await consumer.add(queue: "c")
                try await stage.broker.publish(RedisStage.task(9, queue: "c"))
                let others = await RedisStage.take(2, from: consumer)
                #expect(Set(others.map(\.queue)) == ["b", "c"] && consumer.queues == ["b", "c"])
            }
        }
    }

    @Test("delivers up to the prefetch limit, and more as deliveries are settled, also by other scripts")
    func prefetch() async throws {
        let stage = try await RedisStage()
        let consumer = stage.consumer(prefetch: 3)
        try await whileRunning(stage.broker, consumer) {
            for number in 0..<6 { try await stage.broker.publish(RedisStage.task(number)) }
            let some = await RedisStage.take(3, from: consumer)
            #expect(try await stage.redis("LLEN", "q") == .integer(3))
            async let next = consumer.fetch(upTo: 10)
            consumer.settled(some[0])
            #expect(await next.count == 1)
            consumer.setPrefetch(5)
            #expect(await consumer.fetch(upTo: 10).count == 2)
        }
    }
}
