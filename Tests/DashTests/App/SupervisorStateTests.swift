import Testing

@testable import Dash

@Suite("The supervisor's state machine")
struct SupervisorStateTests {
    @Test("A server that trapped restarts without delay", arguments: [Int32(4), 5, 6, 7, 8, 11])
    func aTrapRestartsAtOnce(signal: Int32) {
        var state = SupervisorState()
        let action = state.serverEnded(.signalled(signal), wasReady: true, uptime: .seconds(60))
        #expect(action == .restart(after: .zero, reason: .trap))
    }

    @Test("A server killed from outside restarts, with the reason `killed`")
    func aKillRestarts() {
        var state = SupervisorState()
        let action = state.serverEnded(.signalled(9), wasReady: true, uptime: .seconds(60))
        #expect(action == .restart(after: .zero, reason: .killed))
    }

    @Test("Repeated crashes double the delay, up to five seconds")
    func repeatedDeathsWaitLonger() {
        var state = SupervisorState()
        let pauses = (0..<9).map { _ in state.serverEnded(.signalled(4), wasReady: true, uptime: .milliseconds(5)) }
        let milliseconds = [0, 100, 200, 400, 800, 1600, 3200, 5000, 5000]
        #expect(pauses == milliseconds.map { .restart(after: .milliseconds($0), reason: .trap) })
    }

    @Test("A server that fails at its start ends the supervisor with its exit code")
    func aFailedStartIsFinal() {
        var state = SupervisorState()
        #expect(state.serverEnded(.exited(1), wasReady: false, uptime: .milliseconds(5)) == .exit(1))
        #expect(state.serverEnded(.exited(1), wasReady: true, uptime: .seconds(1)) == .exit(1))
    }

    @Test("A server that repeatedly traps before it listens ends the supervisor")
    func aTrapBeforeListeningIsGivenUp() {
        var state = SupervisorState()
        let actions = (0..<6).map { _ in state.serverEnded(.signalled(4), wasReady: false, uptime: .zero) }
        #expect(actions.last == .exit(132))
    }

    @Test("The first signal is forwarded, the second kills, and no restart follows")
    func signalsEndTheServer() {
        var state = SupervisorState()
        #expect(state.receivedEndingSignal(15) == .passOn(signal: 15))
        #expect(state.receivedEndingSignal(15) == .kill)
        #expect(state.serverEnded(.signalled(9), wasReady: true, uptime: .seconds(60)) == .exit(137))
    }

    @Test("A server that exits with code 0 ends the supervisor")
    func anOrdinaryExitIsFinal() {
        var state = SupervisorState()
        #expect(state.serverEnded(.exited(0), wasReady: true, uptime: .seconds(60)) == .exit(0))
    }
}
