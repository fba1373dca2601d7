import Dash
import Testing

@testable import DashCLI

@Suite("State of dash-swift dev")
struct DevStateTests {
    private let building = DevState.Action.report(BuildReport(.building))

    /// A state with a running app.
    private func running() -> DevState {
        var state = DevState(product: "app")
        _ = state.begin()
        _ = state.handle(.built)
        _ = state.handle(.checked)
        return state
    }

    @Test("Builds first, then serves")
    func first() {
        var state = DevState(product: "app")
        #expect(state.begin() == [.say("Building app …"), building, .build])
        #expect(state.handle(.built) == [.check])
        #expect(state.handle(.checked) == [.report(nil), .say("Starting app"), .startApp])
    }

    @Test("The app runs during a build; after a successful build it restarts")
    func rebuild() {
        var state = running()
        #expect(state.handle(.changed) == [.say("The sources changed; building app …"), building, .build])
        #expect(state.handle(.built) == [.check])
        #expect(state.handle(.checked) == [.report(nil), .say("Built; restarting app"), .stopApp(1)])
        #expect(state.handle(.appEnded("exited with code 0")) == [.startApp])
        #expect(state.handle(.graceOver(1)) == [], "an earlier stop")
    }

    @Test("After a failed build the app continues and its pages get a report, until a build succeeds")
    func failure() {
        var state = running()
        _ = state.handle(.changed)
        let report = DevState.Action.report(BuildReport(.failed, output: "main.swift:1:1: error: no"))
        #expect(
            state.handle(.failed("main.swift:1:1: error: no"))
                == [report, .say("The build failed. The previous version keeps running.")]
        )
        _ = state.handle(.changed)
        _ = state.handle(.built)
        #expect(state.handle(.checked).first == .report(nil))
    }

    @Test("If the first build fails, the app starts after the first successful one")
    func firstFails() {
        var state = DevState(product: "app")
        _ = state.begin()
        let said = state.handle(.failed("no")).last
        #expect(said == .say("The build failed. The app starts when the errors are fixed."))
        _ = state.handle(.changed)
        _ = state.handle(.built)
        #expect(state.handle(.checked).last == .startApp)
    }

    @Test("Sources that change during a build are built again, regardless of its result", arguments: [true, false])
    func stale(isGood: Bool) {
        var state = running()
        _ = state.handle(.changed)
        #expect(state.handle(.changed) == [])
        let again: [DevState.Action] = [.say("The sources changed again; building app …"), building, .build]
        #expect(state.handle(isGood ? .built : .failed("no")) == again)
        _ = state.handle(.built)
        #expect(state.handle(.changed) == [], "a check is running")
        #expect(state.handle(.checked) == again)
        _ = state.handle(.built)
        #expect(state.handle(.checked).last == .stopApp(1))
    }

    @Test("A build that completes while the app is stopping starts the app once")
    func builtWhileStopping() {
        var state = running()
        _ = state.handle(.changed)
        _ = state.handle(.built)
        _ = state.handle(.checked)
        _ = state.handle(.changed)
        _ = state.handle(.built)
        #expect(state.handle(.checked) == [.report(nil)])
        #expect(state.handle(.appEnded("ended")) == [.startApp])
    }

    @Test("An app that does not stop is killed after the grace period")
    func grace() {
        var state = running()
        _ = state.handle(.changed)
        _ = state.handle(.built)
        _ = state.handle(.checked)
        #expect(state.handle(.graceOver(1)) == [.killApp])
        #expect(state.handle(.appEnded("was terminated by signal 9")) == [.startApp])
    }

    @Test("An app that exits restarts when its sources change")
    func ends() {
        var state = running()
        let sentence = "The app exited with code 1. It restarts when its sources change."
        #expect(state.handle(.appEnded("exited with code 1")) == [.say(sentence)])
        _ = state.handle(.changed)
        _ = state.handle(.built)
        #expect(state.handle(.checked).last == .startApp)
    }

    @Test("A program with errors in its apps does not replace the running one; pages get a report")
    func refused() {
        var state = running()
        _ = state.handle(.changed)
        _ = state.handle(.built)
        let report = DevState.Action.report(BuildReport(.failed, output: "error: main.swift:3: no such id"))
        let said = "The app has errors:\nerror: main.swift:3: no such id\n The previous version keeps running."
        #expect(state.handle(.refused("error: main.swift:3: no such id")) == [report, .say(said)])
        #expect(state.handle(.changed).last == .build)
    }

    @Test("Ctrl-C stops build and app; the tool exits after both", arguments: [true, false])
    func interrupted(appIsFirst: Bool) {
        var state = running()
        _ = state.handle(.changed)
        #expect(state.handle(.interrupted) == [.stopBuild, .stopApp(1)])
        let ends: [DevState.Event] =
            appIsFirst ? [.appEnded("ended"), .failed("")] : [.failed(""), .appEnded("ended")]
        #expect(state.handle(ends[0]) == [])
        #expect(state.handle(.changed) == [])
        #expect(state.handle(ends[1]) == [.exit(0)])
    }

    @Test("Ctrl-C without app and build exits immediately; a second one kills the app")
    func interruptedTwice() {
        var idle = DevState(product: "app")
        _ = idle.begin()
        _ = idle.handle(.failed("no"))
        #expect(idle.handle(.interrupted) == [.exit(0)])
        var state = running()
        #expect(state.handle(.interrupted) == [.stopApp(1)])
        #expect(state.handle(.interrupted) == [.killApp, .exit(130)])
    }
}
