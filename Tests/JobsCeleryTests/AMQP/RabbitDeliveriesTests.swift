import DashJSON
import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import JobsRabbitMQ

@Suite("The deliveries of a RabbitMQ consumer")
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
        "A delivery settled after a loss is settled by the redelivered message, which is not handed out"
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

    @Test("F13: the tags of two workers differ, because a job's record identifies its worker by the tag")
    func names() {
        var tags: Set<String> = []
        for _ in 0..<2 {
            var deliveries = opened()
            deliveries.deliver(message(1, "a"), queue: "q", now: 0)
            let one = deliveries.take(upTo: 1)[0]
            tags.insert(one.tag)
            deliveries.settle("other.1", as: .acknowledged, now: 1)
            #expect(deliveries.takeFrames().isEmpty, "another worker's tag has no effect")
            deliveries.settle(one.tag, as: .acknowledged, now: 1)
            #expect(deliveries.takeFrames() == [.acknowledge(1, multiple: false)])
        }
        #expect(tags.count == 2)
    }

    @Test("A delivery settled without a connection, or just before a loss, is settled when it is redelivered")
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

    /// Hands out and acknowledges a message, then loses and restores the connection.
    private func acknowledgedThenLost(_ message: AMQPDelivery, lostAfter time: Int64) -> RabbitDeliveries {
        var deliveries = opened()
        deliveries.deliver(message, queue: "q", now: 0)
        for one in deliveries.take(upTo: 1) { deliveries.settle(one.tag, as: .acknowledged, now: 1) }
        _ = deliveries.takeFrames()
        deliveries.lost(now: time)
        deliveries.opened(now: time + 10)
        return deliveries
    }

    @Test("F11: a redelivered message of a job is handed out: its record knows whether it is another attempt's")
    func jobsHaveRecords() {
        var job = message(1, "a")
        job.task.headers["dash"] = [:]
        var deliveries = acknowledgedThenLost(job, lostAfter: 100)
        job.isRedelivered = true
        deliveries.deliver(job, queue: "q", now: 120)
        #expect(deliveries.take(upTo: 9).count == 1)
        // A job whose result goes to a queue has no record.
        job.task.replyTo = "asker"
        job.isRedelivered = false
        deliveries = acknowledgedThenLost(job, lostAfter: 100)
        job.isRedelivered = true
        deliveries.deliver(job, queue: "q", now: 120)
        #expect(deliveries.take(upTo: 9).isEmpty)
        #expect(deliveries.takeFrames() == [.acknowledge(1, multiple: false)])
    }

    @Test("F11: a settlement sent long before a loss is not repeated")
    func oldOnes() {
        let again = message(1, "a", again: true)
        var deliveries = acknowledgedThenLost(message(1, "a"), lostAfter: 15_001)
        deliveries.deliver(again, queue: "q", now: 60_000)
        #expect(deliveries.take(upTo: 9).isEmpty)
        deliveries = acknowledgedThenLost(message(1, "a"), lostAfter: 15_002)
        deliveries.deliver(again, queue: "q", now: 60_000)
        #expect(deliveries.take(upTo: 9).count == 1)
    }

    @Test("A settlement is repeated for a limited time only, and not for another attempt of the task")
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
        "A waiting message is dropped at a loss and handed out when redelivered, even if it equals a settled one"
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

    @Test("Settling a settled or unknown tag has no effect")
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

    @Test("Messages of a cancelled queue are requeued, and at a stop all waiting messages")
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

    @Test("Contiguous acknowledgements are one frame, others one each; rejections come first")
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
