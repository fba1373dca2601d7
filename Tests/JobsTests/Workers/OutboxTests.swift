import Testing

@testable import Jobs

@Suite
struct OutboxTests {
    let start = ContinuousClock.now

    @Test("the first progress goes out at once, the next after the gap, and only the newest")
    func coalesces() {
        var outbox = OutboxState(mostBytes: 1 << 20)
        outbox.begin(1)
        #expect(outbox.next(now: start) == .wait)
        #expect(outbox.setProgress([1], of: 1) == .wakesWriter, "the writer waits and must be woken")
        #expect(outbox.next(now: start) == .send([.progress(run: 1, [1])]))
        #expect(outbox.setProgress([2], of: 1) == .none, "the writer does not wait")
        #expect(outbox.next(now: start + .milliseconds(4)) == .waitFor(.milliseconds(6)))
        #expect(outbox.setProgress([3], of: 1) == .none, "it waits for its time, not for news")
        #expect(outbox.next(now: start + .milliseconds(10)) == .send([.progress(run: 1, [3])]))
    }

    @Test("the end goes out at once, after all updates; a later update is not taken")
    func flushes() {
        var outbox = OutboxState(mostBytes: 1 << 20)
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
        #expect(outbox.setProgress([3], of: 1) == .none)
        outbox.begin(2)
        #expect(outbox.setProgress([3], of: 1) == .none)
        #expect(outbox.next(now: start) == .wait)
    }

    @Test("F21: Patches that cannot be sent are kept up to a bound; then the run fails, and nothing is kept")
    func bounded() {
        let patch = Array(#"[["a","x",{"__dash_patch_update":"__dash_patch_update","operations":[]}]]"#.utf8)
        // An entry counts with its overhead.
        let limit = 3 * (patch.count + 96)
        var outbox = OutboxState(mostBytes: limit)
        outbox.begin(1)
        var effects: [OutboxState.Effect] = []
        for _ in 0..<6 { effects.append(outbox.setProps(patch, of: 1)) }
        #expect(effects == [.none, .none, .none, .isTooMuch, .none, .none])
        #expect(outbox.next(now: start) == .wait, "nothing is left to send")
        #expect(outbox.finish(.succeeded(run: 1, [])) == [.failed(run: 1, .updatesTooLarge(limit))])
        outbox.begin(2)
        _ = outbox.setProps(patch, of: 2)
        #expect(outbox.finish(.succeeded(run: 2, [])).count == 2, "the next run begins anew")
        outbox.begin(3)
        for _ in 0..<6 { _ = outbox.setProps(patch, of: 3) }
        #expect(outbox.finish(.cancelled(run: 3)) == [.cancelled(run: 3)])
    }

    @Test("F21: values that replace each other never reach the bound, a huge progress does")
    func boundOfValues() {
        var outbox = OutboxState(mostBytes: 200)
        outbox.begin(1)
        for number in 0..<1000 { #expect(outbox.setProps(Array(#"[["a","x",\#(number)]]"#.utf8), of: 1) == .none) }
        #expect(outbox.setProgress([UInt8](repeating: 1, count: 201), of: 1) == .isTooMuch)
    }
}
