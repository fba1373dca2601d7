import Dash
import Testing

@testable import DashCLI

@Suite("What dash-swift dev does")
struct DevStateTests {
    private let building = DevState.Action.report(BuildReport(.building))

    /// A tool whose app runs.
    private func running() -> DevState {
        var state = DevState(product: "app")
        _ = state.begin()
        _ = state.handle(.built)
        _ = state.handle(.checked)
        return state
    }

    @Test("It builds first, then serves")
    func first() {
        var state = DevState(product: "app")
        #expect(state.begin() == [.say("Building app …"), building, .build])
        #expect(state.handle(.built) == [.check])
        #expect(state.handle(.checked) == [.report(nil), .say("Starting app"), .startApp])
    }

    @Test("While changed sources are built the app goes on; after a good build it is stopped, and the new one started")
    func rebuild() {
        var state = running()
        #expect(state.handle(.changed) == [.say("The sources changed; building app …"), building, .build])
        #expect(state.handle(.built) == [.check])
        #expect(state.handle(.checked) == [.report(nil), .say("Built; starting app again"), .stopApp(1)])
        #expect(state.handle(.appEnded("ended with exit code 0")) == [.startApp])
        #expect(state.handle(.graceOver(1)) == [], "that was the one before")
    }

    @Test("After a failed build the app goes on, and its pages are told; after a good one the report is gone")
    func failure() {
        var state = running()
        _ = state.handle(.changed)
        let report = DevState.Action.report(BuildReport(.failed, output: "main.swift:1:1: error: no"))
        #expect(
            state.handle(.failed("main.swift:1:1: error: no"))
                == [report, .say("The build failed. The app goes on as it was.")]
        )
        _ = state.handle(.changed)
        _ = state.handle(.built)
        #expect(state.handle(.checked).first == .report(nil))
    }

    @Test("Where the first build fails, the app is started after the first good one")
    func firstFails() {
        var state = DevState(product: "app")
        _ = state.begin()
        let said = state.handle(.failed("no")).last
        #expect(said == .say("The build failed. It is started as soon as all is well."))
        _ = state.handle(.changed)
        _ = state.handle(.built)
        #expect(state.handle(.checked).last == .startApp)
    }

    @Test("Sources that change during a build are built again, whatever came of it", arguments: [true, false])
    func stale(isGood: Bool) {
        var state = running()
        _ = state.handle(.changed)
        #expect(state.handle(.changed) == [])
        let again: [DevState.Action] = [.say("The sources changed again; building app …"), building, .build]
        #expect(state.handle(isGood ? .built : .failed("no")) == again)
        _ = state.handle(.built)
        #expect(state.handle(.changed) == [], "a check runs")
        #expect(state.handle(.checked) == again)
        _ = state.handle(.built)
        #expect(state.handle(.checked).last == .stopApp(1))
    }

    @Test("A build that ends while the app is stopping starts it once")
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

    @Test("An app that does not stop is killed after its grace")
    func grace() {
        var state = running()
        _ = state.handle(.changed)
        _ = state.handle(.built)
        _ = state.handle(.checked)
        #expect(state.handle(.graceOver(1)) == [.killApp])
        #expect(state.handle(.appEnded("was ended by signal 9")) == [.startApp])
    }

    @Test("An app that ends by itself is started again when its sources change")
    func ends() {
        var state = running()
        let sentence = "The app ended with exit code 1. It is started again when its sources change."
        #expect(state.handle(.appEnded("ended with exit code 1")) == [.say(sentence)])
        _ = state.handle(.changed)
        _ = state.handle(.built)
        #expect(state.handle(.checked).last == .startApp)
    }

    @Test("A program with mistakes in its apps does not take the place of the one that runs; pages are told of them")
    func refused() {
        var state = running()
        _ = state.handle(.changed)
        _ = state.handle(.built)
        let report = DevState.Action.report(BuildReport(.failed, output: "error: main.swift:3: no such id"))
        let said = "The app has mistakes:\nerror: main.swift:3: no such id\n The app goes on as it was."
        #expect(state.handle(.refused("error: main.swift:3: no such id")) == [report, .say(said)])
        #expect(state.handle(.changed).last == .build)
    }

    @Test("Ctrl-C stops build and app, and ends when both are gone", arguments: [true, false])
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

    @Test("Ctrl-C without app and build ends at once; a second one kills")
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
