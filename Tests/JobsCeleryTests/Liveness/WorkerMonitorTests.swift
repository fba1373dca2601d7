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

    /// The seconds at which the worker counts as dead.
    private func deaths(
        _ seconds: some Sequence<Int>,
        waitsForLease: Bool = false,
        suspect: (Int) -> WorkerMonitor.Suspect
    ) -> [Int] {
        var monitor = WorkerMonitor(LivenessTerms(), waitsForLease: waitsForLease)
        let start = ContinuousClock.now
        return seconds.filter { !monitor.dead(among: [suspect($0)], now: start + .seconds($0)).isEmpty }
    }

    @Test("A silent worker without its subscription is dead at once")
    func gone() {
        #expect(deaths([0]) { _ in suspect(.late, listens: false) } == [0])
    }

    @Test("For long tasks, a worker without its subscription is dead when its lease expires")
    func waits() {
        let deaths = deaths(0...6, waitsForLease: true) { suspect($0 < 4 ? .late : .over, listens: false) }
        #expect(deaths == [4, 5, 6])
    }

    @Test("A11: a worker whose process lives is dead when its lease expires")
    func stuck() {
        #expect(deaths(0...6) { suspect($0 < 4 ? .late : .over) } == [4, 5, 6])
    }

    @Test("F15: a worker that renews its lease stays alive when Redis' clock jumps forward")
    func leapAhead() {
        #expect(deaths(0..<10) { suspect(.over, score: "\($0)") } == [])
        #expect(deaths(0...3) { _ in suspect(.over) } == [2, 3], "without renewals it is dead after `patience`")
    }

    @Test("F15: when Redis' clock is set back, a lease expires by the monitor's own clock")
    func leapBack() {
        #expect(deaths(0...7) { _ in suspect(.far) } == [6, 7])
        #expect(deaths(0..<10) { suspect(.far, score: "\($0)") } == [])
    }

    @Test("After a failed read, observations start again")
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

    @Test("One renewal for each response, and none without")
    func renewals() {
        #expect(steps([true, true, false, true]) == [.renew, .renew, .wait, .renew])
    }

    @Test("A11: the lease lapses once when the loop has not responded for longer than a lease, and recovers with it")
    func lapse() {
        let stuck = [Bool](repeating: false, count: 9)
        let waits = [LeasePace.Step](repeating: .wait, count: 6)
        #expect(steps([true] + stuck + [true, true]) == [.renew] + waits + [.lapse, .wait, .wait, .recover, .renew])
    }

    @Test("At least four renewals in each lease")
    func renewal() {
        #expect(LivenessTerms(lease: .seconds(2)).renewal == .milliseconds(500))
        #expect(LivenessTerms(lease: .seconds(60)).renewal == .seconds(1))
        #expect(steps([false, false, false, false, false], lease: .seconds(2)).last == .lapse)
    }
}
