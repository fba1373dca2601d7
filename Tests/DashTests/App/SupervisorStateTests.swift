import Testing

@testable import Dash

@Suite("What the supervisor does")
struct SupervisorStateTests {
    @Test("A server that trapped starts again at once", arguments: [Int32(4), 5, 6, 7, 8, 11])
    func aTrapRestartsAtOnce(signal: Int32) {
        var state = SupervisorState()
        let action = state.serverEnded(.signalled(signal), wasReady: true, uptime: .seconds(60))
        #expect(action == .restart(after: .zero, reason: .trap))
    }

    @Test("A server killed from outside starts again, and is told so")
    func aKillRestarts() {
        var state = SupervisorState()
        let action = state.serverEnded(.signalled(9), wasReady: true, uptime: .seconds(60))
        #expect(action == .restart(after: .zero, reason: .killed))
    }

    @Test("A server that dies over and over waits longer each time, up to five seconds")
    func repeatedDeathsWaitLonger() {
        var state = SupervisorState()
        let pauses = (0..<9).map { _ in state.serverEnded(.signalled(4), wasReady: true, uptime: .milliseconds(5)) }
        let milliseconds = [0, 100, 200, 400, 800, 1600, 3200, 5000, 5000]
        #expect(pauses == milliseconds.map { .restart(after: .milliseconds($0), reason: .trap) })
    }

    @Test("A server that could not start ends the supervisor with its own code")
    func aFailedStartIsFinal() {
        var state = SupervisorState()
        #expect(state.serverEnded(.exited(1), wasReady: false, uptime: .milliseconds(5)) == .exit(1))
        #expect(state.serverEnded(.exited(1), wasReady: true, uptime: .seconds(1)) == .exit(1))
    }

    @Test("A server that traps before it listens is given up after some tries")
    func aTrapBeforeListeningIsGivenUp() {
        var state = SupervisorState()
        let actions = (0..<6).map { _ in state.serverEnded(.signalled(4), wasReady: false, uptime: .zero) }
        #expect(actions.last == .exit(132))
    }

    @Test("The first signal is passed on, the second kills, and no restart follows")
    func signalsEndTheServer() {
        var state = SupervisorState()
        #expect(state.receivedEndingSignal(15) == .passOn(signal: 15))
        #expect(state.receivedEndingSignal(15) == .kill)
        #expect(state.serverEnded(.signalled(9), wasReady: true, uptime: .seconds(60)) == .exit(137))
    }

    @Test("A server that ended by itself without an error ends the supervisor")
    func anOrdinaryExitIsFinal() {
        var state = SupervisorState()
        #expect(state.serverEnded(.exited(0), wasReady: true, uptime: .seconds(60)) == .exit(0))
    }
}
