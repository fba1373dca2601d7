import Testing

@testable import Jobs

@Suite
struct SignalLadderTests {
    @Test("F26: SIGTERM stops warm, and a second one changes nothing")
    func terminate() {
        var ladder = ShutdownSignals()
        #expect(ladder.received(.terminate) == .stopWarm)
        #expect(ladder.received(.terminate) == .none)
        #expect(ladder.exitCode == 0)
    }

    @Test("F26: the first SIGINT stops warm, the second cold; the program exits with 1")
    func interrupt() {
        var ladder = ShutdownSignals()
        #expect(ladder.received(.interrupt) == .stopWarm)
        #expect(ladder.received(.interrupt) == .stopCold)
        #expect(ladder.received(.interrupt) == .none)
        #expect(ladder.exitCode == 1)
    }

    @Test("F26: SIGQUIT stops cold at once, also in a warm stop; the program exits with 0")
    func quit() {
        var ladder = ShutdownSignals()
        #expect(ladder.received(.quit) == .stopCold)
        #expect(ladder.received(.terminate) == .none)
        var other = ShutdownSignals()
        #expect(other.received(.terminate) == .stopWarm)
        #expect(other.received(.quit) == .stopCold)
        #expect(other.exitCode == 0)
    }
}
