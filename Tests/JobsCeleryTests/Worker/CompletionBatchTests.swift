import Testing

@testable import CeleryProtocol
@testable import JobsCelery

@Suite("Completions that are reported together")
struct CompletionBatchTests {
    private func completion(_ tag: String, mayWait: Bool) -> TaskCompletion {
        var completion = TaskCompletion(Delivery(tag: tag, queue: "q", task: BrokerMessage()), .acknowledged)
        completion.mayWait = mayWait
        return completion
    }

    @Test("one that may not wait is reported at once, with those that waited, in their order")
    func atOnce() {
        var batch = CompletionBatch()
        #expect(batch.add(completion("a", mayWait: true)) == .reportLater)
        var reported = batch.take()
        #expect(reported.isEmpty)
        #expect(batch.add(completion("b", mayWait: true)) == .nothing, "a report is scheduled")
        #expect(batch.add(completion("c", mayWait: false)) == .report)
        #expect(batch.add(completion("d", mayWait: false)) == .nothing, "a report is due")
        reported = batch.take()
        #expect(reported.map(\.delivery.tag) == ["a", "b", "c", "d"])
        reported = batch.take()
        #expect(batch.isEmpty && reported.isEmpty)
    }

    @Test("those that may wait are reported after the delay")
    func later() {
        var batch = CompletionBatch()
        _ = batch.add(completion("a", mayWait: true))
        let isDue = batch.timePassed()
        #expect(isDue)
        #expect(batch.add(completion("b", mayWait: true)) == .nothing, "it is part of the report that is due")
        #expect(batch.take().map(\.delivery.tag) == ["a", "b"])
        #expect(batch.add(completion("c", mayWait: true)) == .reportLater, "a new delay begins")
        _ = batch.add(completion("d", mayWait: false))
        #expect(batch.take().count == 2)
        let isDueAgain = batch.timePassed()
        #expect(!isDueAgain, "nothing is left")
        #expect(batch.add(completion("e", mayWait: true)) == .reportLater)
    }

    @Test("a full batch does not wait, nor does the last one")
    func many() {
        var batch = CompletionBatch()
        var next: [CompletionBatch.Next] = []
        for number in 1...CompletionBatch.maximumCount {
            next.append(batch.add(completion("\(number)", mayWait: true)))
        }
        #expect(next.first == .reportLater && next.last == .report && !next.dropFirst().dropLast().contains(.report))
        #expect(batch.take().count == CompletionBatch.maximumCount)
        _ = batch.add(completion("last", mayWait: true))
        batch.hurry()
        #expect(batch.take().map(\.delivery.tag) == ["last"])
    }
}
