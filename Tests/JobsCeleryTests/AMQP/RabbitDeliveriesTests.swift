import DashJSON
import Testing

@testable import JobsCelery

@Suite("The deliveries that a consumer of RabbitMQ holds")
struct RabbitDeliveriesTests {
    private func message(_ number: UInt64, _ id: String, again: Bool = false, retries: Int = 0) -> AMQPDelivery {
        var task = BrokerMessage()
        task.headers = ["id": .string(id), "retries": .int(retries)]
        return AMQPDelivery(consumerTag: "c", number: number, isRedelivered: again, task: task)
    }

    private func opened() -> RabbitDeliveries {
        var deliveries = RabbitDeliveries()
        deliveries.opened(now: 0)
        return deliveries
    }

    @Test(
        "What is settled after a loss is settled by the handle of the message that came again, which is not handed out"
    )
    func keepsWhatRuns() {
        var deliveries = opened()
        deliveries.deliver(message(1, "a"), queue: "q", now: 0)
        let one = deliveries.take(upTo: 1)[0]
        deliveries.lost(now: 10)
        deliveries.opened(now: 10)
        deliveries.deliver(message(1, "b"), queue: "q", now: 10)
        deliveries.deliver(message(2, "a", again: true), queue: "q", now: 10)
        #expect(deliveries.take(upTo: 9).map { $0.task.headers["id"] } == ["b"])
        deliveries.settle(one.tag, as: .acknowledged, now: 20)
        #expect(deliveries.takeFrames() == [.acknowledge(2, multiple: false)])
    }

    @Test("F13: no two workers name their deliveries alike, as a job's record knows by the name who has it")
    func names() {
        var tags: Set<String> = []
        for _ in 0..<2 {
            var deliveries = opened()
            deliveries.deliver(message(1, "a"), queue: "q", now: 0)
            let one = deliveries.take(upTo: 1)[0]
            tags.insert(one.tag)
            deliveries.settle("other.1", as: .acknowledged, now: 1)
            #expect(deliveries.takeFrames().isEmpty, "what is another's changes nothing here")
            deliveries.settle(one.tag, as: .acknowledged, now: 1)
            #expect(deliveries.takeFrames() == [.acknowledge(1, multiple: false)])
        }
        #expect(tags.count == 2)
    }

    @Test("What was settled while there was no connection, or just before, is settled when it comes again")
    func saysItAgain() {
        var deliveries = opened()
        for number in 1...3 { deliveries.deliver(message(UInt64(number), "\(number)"), queue: "q", now: 0) }
        let tags = deliveries.take(upTo: 3).map(\.tag)
        deliveries.settle(tags[0], as: .acknowledged, now: 1)
        #expect(deliveries.takeFrames() == [.acknowledge(1, multiple: false)])
        deliveries.lost(now: 10)
        deliveries.settle(tags[1], as: .rejected, now: 1)
        deliveries.settle(tags[2], as: .returned, now: 1)
        deliveries.opened(now: 100)
        for number in 1...3 {
            deliveries.deliver(message(UInt64(number), "\(number)", again: true), queue: "q", now: 101)
        }
        #expect(deliveries.takeFrames() == [.reject(2, requeue: false), .acknowledge(1, multiple: false)])
        #expect(deliveries.take(upTo: 9).map { $0.task.headers["id"] } == ["3"])
    }

    /// Handed out and acknowledged, then the connection is lost and there again.
    private func acknowledgedThenLost(_ message: AMQPDelivery, lostAfter time: Int64) -> RabbitDeliveries {
        var deliveries = opened()
        deliveries.deliver(message, queue: "q", now: 0)
        for one in deliveries.take(upTo: 1) { deliveries.settle(one.tag, as: .acknowledged, now: 1) }
        _ = deliveries.takeFrames()
        deliveries.lost(now: time)
        deliveries.opened(now: time + 10)
        return deliveries
    }

    @Test("F11: a job's message that comes again is handed out: its record knows whether it is another attempt's")
    func jobsHaveRecords() {
        var job = message(1, "a")
        job.task.headers["dash"] = [:]
        var deliveries = acknowledgedThenLost(job, lostAfter: 100)
        job.isRedelivered = true
        deliveries.deliver(job, queue: "q", now: 120)
        #expect(deliveries.take(upTo: 9).count == 1)
        // Without a record, which is when the answer goes to a queue, nobody else would know.
        job.task.replyTo = "asker"
        job.isRedelivered = false
        deliveries = acknowledgedThenLost(job, lostAfter: 100)
        job.isRedelivered = true
        deliveries.deliver(job, queue: "q", now: 120)
        #expect(deliveries.take(upTo: 9).isEmpty)
        #expect(deliveries.takeFrames() == [.acknowledge(1, multiple: false)])
    }

    @Test("F11: what was settled long before a loss the broker has heard; it is not said again")
    func oldOnes() {
        let again = message(1, "a", again: true)
        var deliveries = acknowledgedThenLost(message(1, "a"), lostAfter: 15_001)
        deliveries.deliver(again, queue: "q", now: 60_000)
        #expect(deliveries.take(upTo: 9).isEmpty)
        deliveries = acknowledgedThenLost(message(1, "a"), lostAfter: 15_002)
        deliveries.deliver(again, queue: "q", now: 60_000)
        #expect(deliveries.take(upTo: 9).count == 1)
    }

    @Test("Only for a while, and not for another attempt of the task")
    func doesNotMistake() {
        var deliveries = opened()
        for number in 1...2 { deliveries.deliver(message(UInt64(number), "\(number)"), queue: "q", now: 0) }
        for one in deliveries.take(upTo: 2) { deliveries.settle(one.tag, as: .acknowledged, now: 1) }
        _ = deliveries.takeFrames()
        deliveries.lost(now: 10)
        deliveries.opened(now: 100)
        deliveries.deliver(message(1, "1", again: true, retries: 1), queue: "q", now: 101)
        deliveries.deliver(message(2, "2", again: true), queue: "q", now: 101 + SettledMessages.patience)
        #expect(deliveries.take(upTo: 9).count == 2)
    }

    @Test(
        "What was not handed out at a loss is forgotten, and handed out when it comes again, even if it looks like a settled one"
    )
    func forgetsWhatWaits() {
        var deliveries = opened()
        deliveries.deliver(message(1, "a"), queue: "q", now: 0)
        let one = deliveries.take(upTo: 1)[0]
        deliveries.settle(one.tag, as: .acknowledged, now: 0)
        deliveries.deliver(message(2, "a"), queue: "q", now: 0)
        deliveries.lost(now: 10)
        deliveries.opened(now: 1)
        deliveries.deliver(message(1, "a", again: true), queue: "q", now: 1)
        #expect(deliveries.take(upTo: 9).count == 1)
    }

    @Test("A settled, unknown or repeated tag changes nothing")
    func settlesOnce() {
        var deliveries = opened()
        deliveries.deliver(message(1, "a"), queue: "q", now: 0)
        let one = deliveries.take(upTo: 1)[0]
        for settlement in [Settlement.acknowledged, .rejected, .returned, .postponed(until: 5)] {
            deliveries.settle(one.tag, as: settlement, now: 0)
            deliveries.settle("77", as: settlement, now: 0)
        }
        #expect(deliveries.takeFrames() == [.acknowledge(1, multiple: false)])
        #expect(deliveries.parkedCount == 0)
    }

    @Test("A message of a queue that is cancelled goes back; so does all that waits at a stop")
    func goesBack() {
        var deliveries = opened()
        deliveries.deliver(message(1, "a"), queue: nil, now: 0)
        deliveries.deliver(message(2, "b"), queue: "q", now: 0)
        deliveries.deliver(message(3, "c"), queue: "r", now: 0)
        deliveries.leave(queue: "q")
        #expect(deliveries.takeFrames() == [.reject(1, requeue: true), .reject(2, requeue: true)])
        deliveries.stop()
        deliveries.deliver(message(4, "d"), queue: "r", now: 0)
        #expect(deliveries.takeFrames() == [.reject(3, requeue: true), .reject(4, requeue: true)])
        #expect(!deliveries.hasReady)
    }

    @Test("Acknowledgements of which none older is missing are one frame, others one each; refusals come first")
    func batches() {
        var batch = AckBatch()
        for number in 1...8 { batch.delivered(UInt64(number)) }
        for number: UInt64 in [3, 1, 2, 6, 6] { batch.acknowledge(number) }
        batch.reject(4, requeue: true)
        #expect(
            batch.take() == [
                .reject(4, requeue: true), .acknowledge(3, multiple: true), .acknowledge(6, multiple: false),
            ]
        )
        for number: UInt64 in [5, 7, 8, 9] { batch.acknowledge(number) }
        #expect(batch.take() == [.acknowledge(8, multiple: true)])
        #expect(batch.isEmpty)
    }
}
