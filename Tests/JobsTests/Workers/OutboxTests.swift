import Testing

@testable import Jobs

@Suite
struct OutboxTests {
    let start = ContinuousClock.now

    @Test("the first progress goes out at once, the next after the gap, and only the newest")
    func coalesces() {
        var outbox = OutboxState()
        outbox.begin(1)
        #expect(outbox.next(now: start) == .wait)
        #expect(outbox.setProgress([1], of: 1) == true, "the writer waits and must be woken")
        #expect(outbox.next(now: start) == .send([.progress(run: 1, [1])]))
        #expect(outbox.setProgress([2], of: 1) == false, "the writer does not wait")
        #expect(outbox.next(now: start + .milliseconds(4)) == .waitFor(.milliseconds(6)))
        #expect(outbox.setProgress([3], of: 1) == false, "it waits for its time, not for news")
        #expect(outbox.next(now: start + .milliseconds(10)) == .send([.progress(run: 1, [3])]))
    }

    @Test("the end goes out at once, after all updates; a later update is not taken")
    func flushes() {
        var outbox = OutboxState()
        outbox.begin(1)
        _ = outbox.setProgress([1], of: 1)
        _ = outbox.next(now: start)
        _ = outbox.setProps(Array(#"[["a","x",1]]"#.utf8), of: 1)
        _ = outbox.setProgress([2], of: 1)
        #expect(outbox.next(now: start) == .waitFor(.milliseconds(10)))
        let frames: [Frame] = [
            .progress(run: 1, [2]), .setProps(run: 1, Array(#"[["a","x",1]]"#.utf8)), .succeeded(run: 1, [9]),
        ]
        #expect(outbox.finish(.succeeded(run: 1, [9])) == frames)
        #expect(outbox.next(now: start) == .wait)
        #expect(outbox.setProgress([3], of: 1) == false)
        outbox.begin(2)
        #expect(outbox.setProgress([3], of: 1) == false)
        #expect(outbox.next(now: start) == .wait)
    }
}
