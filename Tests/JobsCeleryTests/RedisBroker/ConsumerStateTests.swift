import Testing

@testable import JobsCelery

@Suite("What a consumer may have")
struct ConsumerStateTests {
    @Test("is no more than its prefetch, and the queues take turns")
    func room() {
        var state = ConsumerState(queues: ["a", "b"], prefetch: 2)
        #expect(state.request(upTo: 5) == .init(queues: ["b", "a"], limit: 2, reclaims: false))
        _ = state.received("1")
        #expect(state.request(upTo: 5) == .init(queues: ["a", "b"], limit: 1, reclaims: false))
        _ = state.received("2")
        #expect(state.request(upTo: 5) == nil)
        #expect(state.settles("1") == true)
        #expect(state.settles("1") == false, "only once")
        #expect(state.request(upTo: 5)?.limit == 1)
        state.settled("2")
        state.prefetch = 10
        #expect(state.request(upTo: 5)?.limit == 5)
    }

    @Test("is nothing without a queue, and nothing any more when it has stopped")
    func nothing() {
        var state = ConsumerState(queues: ["a"], prefetch: 1)
        state.remove("a")
        #expect(state.request(upTo: 1) == nil)
        #expect(state.add("b") == true)
        #expect(state.add("b") == false)
        #expect(state.request(upTo: 1)?.queues == ["b"])
        state.stop()
        #expect(state.request(upTo: 1) == nil)
    }

    @Test("is known until it is really settled, also while Redis cannot be told")
    func owed() {
        var state = ConsumerState(queues: ["a"], prefetch: 1)
        _ = state.received("1")
        #expect(state.settles("1") == true)
        #expect(state.known == ["1"])
        state.owes("1", .acknowledged)
        #expect(state.known == ["1"] && state.owed == ["1": .acknowledged])
        #expect(state.request(upTo: 1) != nil, "its place is free")
        state.settled("1")
        #expect(state.known.isEmpty && state.owed.isEmpty)
    }

    @Test("is asked for first when an answer was lost")
    func reclaim() {
        var state = ConsumerState(queues: ["a"], prefetch: 1)
        state.answerWasLost()
        #expect(state.request(upTo: 1)?.reclaims == true)
        state.answerWasFound()
        #expect(state.request(upTo: 1)?.reclaims == false)
    }

    @Test("what is being settled leaves its room to others at once, and takes it back if that fails")
    func roomOfTheSettled() {
        var state = ConsumerState(queues: ["q"], prefetch: 2)
        _ = state.received("a")
        _ = state.received("b")
        #expect(state.request(upTo: 10) == nil)
        let settles = (state.settles("a"), state.settles("a"))
        #expect(settles == (true, false), "once")
        #expect(state.request(upTo: 10)?.limit == 1)
        #expect(state.known == ["a", "b"], "the server may still count it as ours")
        state.keeps("a")
        #expect(state.request(upTo: 10) == nil)
        _ = state.settles("a")
        state.settled("a")
        #expect(state.known == ["b"])
        state.keeps("a")
        #expect(state.known == ["b"], "it was settled")
    }

    @Test("lists that were seen to their ends are looked at when Redis calls, a queue is added, or the time is over")
    func looks() {
        var state = ConsumerState(queues: ["q"], prefetch: 2)
        let now = ContinuousClock.now
        #expect(state.rest(at: now) == nil)
        state.looks(nextAt: now + .seconds(15))
        #expect(state.rest(at: now + .seconds(5)) == .seconds(10))
        #expect(state.rest(at: now + .seconds(15)) == nil)
        let isNew = (state.add("q"), state.rest(at: now) == nil, state.add("r"), state.rest(at: now) == nil)
        #expect(isNew == (false, false, true, true))
        state.looks(nextAt: now + .seconds(15))
        state.looksAgain()
        #expect(state.rest(at: now) == nil)
    }

    @Test("what comes again although it is settled, as Redis did not hear of that yet, is not given out again")
    func again() {
        var state = ConsumerState(queues: ["q"], prefetch: 2)
        let isNew = state.received("a")
        _ = state.settles("a")
        let isSettling = !state.received("a")
        state.owes("a", .acknowledged)
        let isOwed = !state.received("a")
        #expect(isNew && isSettling && isOwed)
        #expect(state.held.isEmpty && state.known == ["a"])
        state.settled("a")
        let isNewAgain = state.received("a")
        #expect(isNewAgain, "somebody gave it back since")
    }
}
