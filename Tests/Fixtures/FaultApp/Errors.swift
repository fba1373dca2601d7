import Dash

private struct OutOfPaper: Error, CustomStringConvertible {
    let description = "the printer is out of paper"
}

/// A job that throws, without a handler.
func throwing() -> DashApp {
    let page = JobPage(), app = DashApp()
    app.layout = page.layout
    app.backgroundCallback(
        Output(page.text.children),
        Input(page.run.nClicks),
        running: page.running,
        preventInitialCall: true
    ) { _ in
        try await Task.sleep(for: .milliseconds(200))
        throw OutOfPaper()
    }
    return app
}

/// A job that throws, with a handler that turns the failure into a value.
func handled() -> DashApp {
    let page = JobPage(), app = DashApp()
    app.layout = page.layout
    app.backgroundCallback(
        Output(page.text.children),
        Input(page.run.nClicks),
        running: page.running,
        preventInitialCall: true,
        onError: { failure in "handled: \(failure.message)" }
    ) { _ in
        try await Task.sleep(for: .milliseconds(200))
        throw OutOfPaper()
    }
    return app
}
