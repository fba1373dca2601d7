import Testing

@testable import Jobs

@Suite
struct ShutdownSignalsTests {
    @Test("F26: SIGTERM is a warm stop, a second one has no effect")
    func terminate() {
        var ladder = ShutdownSignals()
        #expect(ladder.received(.terminate) == .stopWarm)
        #expect(ladder.received(.terminate) == .none)
        #expect(ladder.exitCode == 0)
    }

    @Test("F26: the first SIGINT is a warm stop, the second a cold one; the exit code is 1")
    func interrupt() {
        var ladder = ShutdownSignals()
        #expect(ladder.received(.interrupt) == .stopWarm)
        #expect(ladder.received(.interrupt) == .stopCold)
        #expect(ladder.received(.interrupt) == .none)
        #expect(ladder.exitCode == 1)
    }

    @Test("F26: SIGQUIT is a cold stop, also during a warm one; the exit code is 0")
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
