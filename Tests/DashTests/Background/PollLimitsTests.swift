import Testing

@testable import Dash

@Suite("The limit of held polls per browser")
struct PollLimitsTests {
    private let start = ContinuousClock.now

    @Test("Four polls of one browser are held, the fifth releases the oldest")
    func theFifthPollLetsTheOldestGo() {
        var limits = PollLimits()
        for poll in 0..<4 { #expect(limits.hold(poll, session: "a", now: start) == []) }
        let later = start + .seconds(1)
        #expect(limits.hold(4, session: "a", now: later) == [.init(poll: 0, at: later)])
        #expect(limits.hold(5, session: "a", now: later) == [.init(poll: 1, at: later)])
    }

    @Test("A poll is not released before the minimum hold")
    func aYoungPollStaysALittle() {
        var limits = PollLimits(limit: 1)
        _ = limits.hold(0, session: "a", now: start)
        let releases = limits.hold(1, session: "a", now: start + .milliseconds(40))
        #expect(releases == [.init(poll: 0, at: start + .milliseconds(250))])
    }

    @Test("Browsers have separate limits")
    func sessionsAreApart() {
        var limits = PollLimits(limit: 1)
        _ = limits.hold(0, session: "a", now: start)
        #expect(limits.hold(1, session: "b", now: start) == [])
        #expect(limits.count == 2)
    }

    @Test("An ended poll makes room, and a poll is released only once")
    func endedPollsMakeRoom() {
        var limits = PollLimits(limit: 2)
        for poll in 0..<3 { _ = limits.hold(poll, session: "a", now: start) }
        limits.end(0, session: "a")
        limits.end(1, session: "a")
        #expect(limits.hold(3, session: "a", now: start) == [])
        limits.end(2, session: "a")
        limits.end(3, session: "a")
        #expect(limits.count == 0)
    }
}

@Suite("Holding a poll")
struct HeldPollsTests {
    @Test("A poll ends when its update arrives")
    func newsEndsThePoll() async {
        let polls = HeldPolls()
        let (news, feed) = AsyncStream<Void>.makeStream()
        async let held: Void = polls.hold(session: "a", connection: nil) { for await _ in news { return } }
        feed.yield()
        await held
        #expect(polls.count == 0)
    }

    @Test("A poll beyond the limit releases the oldest")
    func aFurtherPollLetsOneGo() async {
        let polls = HeldPolls(limits: PollLimits(limit: 1, shortestHold: .zero), longestHold: .seconds(3600))
        async let first: Void = polls.hold(session: "a", connection: nil, until: forever)
        while polls.count < 1 { await Task.yield() }
        let (news, feed) = AsyncStream<Void>.makeStream()
        async let second: Void = polls.hold(session: "a", connection: nil) { for await _ in news { return } }
        await first
        feed.yield()
        await second
        #expect(polls.count == 0)
    }

    @Test("A poll ends after the general maximum, or after its own if that is shorter")
    func timeEndsThePoll() async {
        await HeldPolls(longestHold: .zero).hold(session: "a", connection: nil, until: forever)
        let polls = HeldPolls(longestHold: .seconds(3600))
        await polls.hold(session: "a", connection: nil, atMost: .zero, until: forever)
        await HeldPolls(longestHold: .zero)
            .hold(session: "a", connection: nil, atMost: .seconds(3600), until: forever)
        #expect(polls.count == 0)
    }

    private let forever: @Sendable () async -> Void = { try? await Task.sleep(for: .seconds(3600)) }
}
