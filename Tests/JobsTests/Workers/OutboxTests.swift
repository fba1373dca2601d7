import Testing

@testable import Jobs

@Suite
struct OutboxTests {
    let start = ContinuousClock.now

    @Test("the first progress is sent at once, then the newest after each gap")
    func coalesces() {
        var outbox = OutboxState(mostBytes: 1 << 20)
        outbox.begin(1)
        #expect(outbox.next(now: start) == .wait)
        #expect(outbox.setProgress([1], of: 1) == .wakesWriter, "the writer waits and must be woken")
        #expect(outbox.next(now: start) == .send([.progress(run: 1, [1])]))
        #expect(outbox.setProgress([2], of: 1) == .none, "the writer does not wait")
        #expect(outbox.next(now: start + .milliseconds(4)) == .waitFor(.milliseconds(6)))
        #expect(outbox.setProgress([3], of: 1) == .none, "it waits for the gap, not for updates")
        #expect(outbox.next(now: start + .milliseconds(10)) == .send([.progress(run: 1, [3])]))
    }

    @Test("the outcome is sent at once after all updates; later updates are ignored")
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

    @Test("F21: unsent patches are limited; beyond the limit the run fails and they are dropped")
    func bounded() {
        let patch = Array(#"[["a","x",{"__dash_patch_update":"__dash_patch_update","operations":[]}]]"#.utf8)
        // The size of an entry includes overhead.
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
        #expect(outbox.finish(.succeeded(run: 2, [])).count == 2, "the next run has its own limit")
        outbox.begin(3)
        for _ in 0..<6 { _ = outbox.setProps(patch, of: 3) }
        #expect(outbox.finish(.cancelled(run: 3)) == [.cancelled(run: 3)])
    }

    @Test("F21: values that replace each other never reach the limit, a large progress does")
    func boundOfValues() {
        var outbox = OutboxState(mostBytes: 200)
        outbox.begin(1)
        for number in 0..<1000 { #expect(outbox.setProps(Array(#"[["a","x",\#(number)]]"#.utf8), of: 1) == .none) }
        #expect(outbox.setProgress([UInt8](repeating: 1, count: 201), of: 1) == .isTooMuch)
    }
}
