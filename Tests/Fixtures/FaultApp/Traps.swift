import Dash

/// A regular callback that crashes the server process.
func trapInServer() -> DashApp {
    let page = JobPage(), app = DashApp()
    app.layout = page.layout
    app.callback(Output(page.text.children), Input(page.run.nClicks), preventInitialCall: true) { clicks in
        "element \(elementPastTheEnd(of: [1, 2, 3], after: clicks ?? 0))"
    }
    return app
}

/// A job that crashes its worker process; the page shows the failure.
func trapInJob() -> DashApp {
    let page = JobPage(), app = DashApp()
    app.layout = page.layout
    app.backgroundCallback(
        Output(page.text.children),
        Input(page.run.nClicks),
        running: page.running,
        preventInitialCall: true,
        onError: { failure in "\(failure.message)\n\(failure.trace ?? "no trace")" }
    ) { clicks in
        "element \(elementPastTheEnd(of: [1, 2, 3], after: clicks ?? 0))"
    }
    return app
}

/// Index out of range. The crash report must name this function.
@inline(never)
func elementPastTheEnd(of list: [Int], after clicks: Int) -> Int { list[list.count + clicks] }
