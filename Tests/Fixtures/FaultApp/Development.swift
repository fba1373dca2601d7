import Dash
import Foundation

private struct NoSuchTown: Error, CustomStringConvertible {
    let description = "there is no town of this name"
}

/// Errors during development: an error and a trap in both kinds of callbacks, and a text that differs between builds.
func development() -> DashApp {
    let thrown = html.Button.id("throw"), trap = html.Button.id("trap")
    let crash = html.Button.id("crash"), failed = html.Button.id("fail")
    let out = html.P.id("out"), built = html.P.id("built"), job = html.P.id("job")
    let app = DashApp()
    let build = ProcessInfo.processInfo.environment["FAULT_BUILD"] ?? "the first build"
    if build == "MISTAKE" {
        app.callback(Output("nowhere", "children"), Input(thrown.nClicks)) { (_: Int?) -> String in "" }
    }
    app.layout = [
        html.P(build, id: built),
        html.Button("Throw", id: thrown), html.Button("Trap", id: trap),
        html.Button("Crash", id: crash), html.Button("Fail", id: failed),
        html.P("nothing yet", id: out), html.P("nothing yet", id: job),
    ]
    app.callback(Output(out.children), Input(thrown.nClicks), preventInitialCall: true) { (_: Int?) -> String in
        throw NoSuchTown()
    }
    app.callback(Output(out.title), Input(trap.nClicks), preventInitialCall: true) { clicks in
        "element \(elementPastTheEnd(of: [1, 2, 3], after: clicks ?? 0))"
    }
    app.backgroundCallback(Output(job.children), Input(crash.nClicks), preventInitialCall: true) { clicks in
        "element \(elementPastTheEnd(of: [1, 2, 3], after: clicks ?? 0))"
    }
    app.backgroundCallback(Output(job.title), Input(failed.nClicks), preventInitialCall: true) { (_: Int?) -> String in
        throw NoSuchTown()
    }
    return app
}
