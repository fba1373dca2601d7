import Testing

@testable import JobsCelery

@Suite("A monitor of workers")
struct WorkerMonitorTests {
    private func suspect(
        _ lease: WorkerMonitor.Suspect.Lease,
        score: String = "5",
        listens: Bool = true
    ) -> WorkerMonitor.Suspect {
        WorkerMonitor.Suspect(worker: "w", score: score, listens: listens, lease: lease)
    }

    /// At which of the seconds from now on the worker counts as dead.
    private func deaths(
        _ seconds: some Sequence<Int>,
        waitsForLease: Bool = false,
        suspect: (Int) -> WorkerMonitor.Suspect
    ) -> [Int] {
        var monitor = WorkerMonitor(LivenessTerms(), waitsForLease: waitsForLease)
        let start = ContinuousClock.now
        return seconds.filter { !monitor.dead(among: [suspect($0)], now: start + .seconds($0)).isEmpty }
    }

    @Test("takes a worker that is silent and whose subscription is gone for dead at once")
    func gone() {
        #expect(deaths([0]) { _ in suspect(.late, listens: false) } == [0])
    }

    @Test("of long tasks waits for the end of the lease though the subscription is gone")
    func waits() {
        let deaths = deaths(0...6, waitsForLease: true) { suspect($0 < 4 ? .late : .over, listens: false) }
        #expect(deaths == [4, 5, 6])
    }

    @Test("A11: takes a worker whose process lives for dead when its lease is over")
    func stuck() {
        #expect(deaths(0...6) { suspect($0 < 4 ? .late : .over) } == [4, 5, 6])
    }

    @Test("F15: keeps a living worker although Redis' clock leaps ahead, as the lease is renewed meanwhile")
    func leapAhead() {
        #expect(deaths(0..<10) { suspect(.over, score: "\($0)") } == [])
        #expect(deaths(0...3) { _ in suspect(.over) } == [2, 3], "one that renews no more is dead after a moment")
    }

    @Test("F15: sees by its own clock that a lease is over whose end Redis' clock, set back, does not reach for long")
    func leapBack() {
        #expect(deaths(0...7) { _ in suspect(.far) } == [6, 7])
        #expect(deaths(0..<10) { suspect(.far, score: "\($0)") } == [])
    }

    @Test("starts again when nothing could be seen")
    func forgets() {
        var monitor = WorkerMonitor(LivenessTerms())
        let start = ContinuousClock.now
        let first = monitor.dead(among: [suspect(.over)], now: start)
        monitor.forget()
        let second = monitor.dead(among: [suspect(.over)], now: start + .seconds(5))
        let third = monitor.dead(among: [suspect(.over)], now: start + .seconds(7))
        #expect(first.isEmpty && second.isEmpty && third.count == 1)
    }
}

@Suite("The pace of a lease")
struct LeasePaceTests {
    private func steps(_ answers: [Bool], lease: Duration = .seconds(6)) -> [LeasePace.Step] {
        var pace = LeasePace(LivenessTerms(lease: lease))
        return answers.map { pace.beat(hasAnswered: $0) }
    }

    @Test("is a renewal for each answer, and none without")
    func renewals() {
        #expect(steps([true, true, false, true]) == [.renew, .renew, .wait, .renew])
    }

    @Test("A11: ends, once, when the loop has not answered for longer than a lease, and begins again with its answer")
    func lapse() {
        let stuck = [Bool](repeating: false, count: 9)
        let waits = [LeasePace.Step](repeating: .wait, count: 6)
        #expect(steps([true] + stuck + [true, true]) == [.renew] + waits + [.lapse, .wait, .wait, .recover, .renew])
    }

    @Test("is four renewals at least in each lease")
    func renewal() {
        #expect(LivenessTerms(lease: .seconds(2)).renewal == .milliseconds(500))
        #expect(LivenessTerms(lease: .seconds(60)).renewal == .seconds(1))
        #expect(steps([false, false, false, false, false], lease: .seconds(2)).last == .lapse)
    }
}
