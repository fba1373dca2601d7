import Testing

@testable import JobsCelery

@Suite("The ends of tasks that are to be told")
struct CompletionBatchTests {
    private func end(_ tag: String, mayWait: Bool) -> TaskCompletion {
        var end = TaskCompletion(Delivery(tag: tag, queue: "q", task: BrokerMessage()), .acknowledged)
        end.mayWait = mayWait
        return end
    }

    @Test("one that may not wait is told at once, with those that waited, in their order")
    func atOnce() {
        var ends = CompletionBatch()
        #expect(ends.add(end("a", mayWait: true)) == .tellLater)
        var told = ends.take()
        #expect(told.isEmpty)
        #expect(ends.add(end("b", mayWait: true)) == .nothing, "its time is kept already")
        #expect(ends.add(end("c", mayWait: false)) == .tell)
        #expect(ends.add(end("d", mayWait: false)) == .nothing, "they were called already")
        told = ends.take()
        #expect(told.map(\.delivery.tag) == ["a", "b", "c", "d"])
        told = ends.take()
        #expect(ends.isEmpty && told.isEmpty)
    }

    @Test("those that may wait are told when the time is over")
    func later() {
        var ends = CompletionBatch()
        _ = ends.add(end("a", mayWait: true))
        let isTime = ends.timePassed()
        #expect(isTime)
        #expect(ends.add(end("b", mayWait: true)) == .nothing, "it is taken along")
        #expect(ends.take().map(\.delivery.tag) == ["a", "b"])
        #expect(ends.add(end("c", mayWait: true)) == .tellLater, "a new time begins")
        _ = ends.add(end("d", mayWait: false))
        #expect(ends.take().count == 2)
        let isTimeAgain = ends.timePassed()
        #expect(!isTimeAgain, "nobody waits any more")
        #expect(ends.add(end("e", mayWait: true)) == .tellLater)
    }

    @Test("so many wait for no more, and at the end nobody waits")
    func many() {
        var ends = CompletionBatch()
        var next: [CompletionBatch.Next] = []
        for number in 1...CompletionBatch.most { next.append(ends.add(end("\(number)", mayWait: true))) }
        #expect(next.first == .tellLater && next.last == .tell && !next.dropFirst().dropLast().contains(.tell))
        #expect(ends.take().count == CompletionBatch.most)
        _ = ends.add(end("last", mayWait: true))
        ends.hurry()
        #expect(ends.take().map(\.delivery.tag) == ["last"])
    }
}
