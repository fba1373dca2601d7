import DashJSON
import Testing

@testable import JobsCelery

@Suite struct EventOutboxTests {
    @Test("task events are sent in order, at most 24 in a message") func batches() {
        var outbox = EventOutbox()
        for number in 1...50 { outbox.add(.int(number)) }
        #expect(outbox.next() == .tasks((1...24).map { .int($0) }))
        outbox.add(51)
        #expect(outbox.next() == .tasks((25...48).map { .int($0) }))
        #expect(outbox.next() == .tasks([49, 50, 51]))
        #expect(outbox.next() == nil)
    }

    @Test("beyond the capacity the oldest events are dropped") func capacity() {
        var outbox = EventOutbox(capacity: 3, batch: 2)
        for number in 1...5 { outbox.add(.int(number)) }
        #expect(outbox.next() == .tasks([3, 4]))
        #expect(outbox.next() == .tasks([5]))
        for number in 6...9 { outbox.add(.int(number)) }
        #expect(outbox.next() == .tasks([7, 8]))
    }

    @Test("only the newest worker event is kept, and it is sent first") func signs() {
        var outbox = EventOutbox()
        outbox.add(1)
        outbox.add(.online)
        outbox.add(.heartbeat)
        outbox.add(.heartbeat)
        #expect(outbox.next() == .worker(.online))
        outbox.add(.heartbeat)
        outbox.add(.online)
        #expect(outbox.next() == .worker(.online))
        #expect(outbox.next() == .tasks([1]))
    }

    @Test("worker-offline is sent last") func offline() {
        var outbox = EventOutbox(batch: 2)
        outbox.add(.heartbeat)
        for number in 1...3 { outbox.add(.int(number)) }
        outbox.add(.offline)
        #expect(outbox.next() == .tasks([1, 2]))
        #expect(outbox.next() == .tasks([3]))
        #expect(outbox.next() == .worker(.offline))
        #expect(outbox.next() == nil)
    }

    @Test("a logical clock advances past every received clock") func clock() {
        let clock = LamportClock(5)
        #expect(clock.forward() == 6)
        #expect(clock.adjust(to: 3) == 7)
        #expect(clock.adjust(to: 20) == 21)
        #expect(clock.value == 21)
    }
}
