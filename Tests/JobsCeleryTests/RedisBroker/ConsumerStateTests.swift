import Testing

@testable import JobsCelery

@Suite("The state of a consumer")
struct ConsumerStateTests {
    @Test("Requests are limited by the prefetch, and the queues take turns")
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
        state.setPrefetch(10)
        #expect(state.request(upTo: 5)?.limit == 5)
    }

    @Test("There is no request without a queue or after a stop")
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

    @Test("A delivery is known until Redis has settled it, also while Redis is unreachable")
    func owed() {
        var state = ConsumerState(queues: ["a"], prefetch: 1)
        _ = state.received("1")
        #expect(state.settles("1") == true)
        #expect(state.known == ["1"])
        state.owes("1", .acknowledged)
        #expect(state.known == ["1"] && state.owed == ["1": .acknowledged])
        #expect(state.request(upTo: 1) != nil, "there is room for another")
        state.settled("1")
        #expect(state.known.isEmpty && state.owed.isEmpty)
    }

    @Test("After a lost reply, the next request reclaims its deliveries")
    func reclaim() {
        var state = ConsumerState(queues: ["a"], prefetch: 1)
        state.answerWasLost()
        #expect(state.request(upTo: 1)?.reclaims == true)
        state.answerWasFound()
        #expect(state.request(upTo: 1)?.reclaims == false)
    }

    @Test("A settlement in flight frees room at once, and takes it back if it fails")
    func roomOfTheSettled() {
        var state = ConsumerState(queues: ["q"], prefetch: 2)
        _ = state.received("a")
        _ = state.received("b")
        #expect(state.request(upTo: 10) == nil)
        let settles = (state.settles("a"), state.settles("a"))
        #expect(settles == (true, false), "once")
        #expect(state.request(upTo: 10)?.limit == 1)
        #expect(state.known == ["a", "b"], "Redis may still hold it for this worker")
        state.keeps("a")
        #expect(state.request(upTo: 10) == nil)
        _ = state.settles("a")
        state.settled("a")
        #expect(state.known == ["b"])
        state.keeps("a")
        #expect(state.known == ["b"], "it was settled")
    }

    @Test("Empty lists are fetched again after an invalidation, an added queue, or a timeout")
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

    @Test("A redelivery is dropped while its settlement is pending")
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
        #expect(isNewAgain, "it was requeued since")
    }

    @Test("A lost delivery counts once and is not refreshed again, nor is one in flight")
    func lost() {
        var state = ConsumerState(queues: ["q"], prefetch: 9)
        for tag in ["a", "b", "c"] { _ = state.received(tag) }
        _ = state.settles("a")
        #expect(state.refreshed == ["b", "c"], "the settlement of a removes it")
        let lost = (state.loses(["a", "b", "x"]), state.loses(["b"]))
        #expect(lost == (1, 0))
        #expect(state.refreshed == ["c"])
        state.owes("a", .returned)
        #expect(state.refreshed == ["a", "c"])
        _ = state.received("b")
        #expect(state.refreshed == ["a", "b", "c"], "it was delivered again")
    }
}
