import Dash

/// Pages whose jobs could interfere: the same ids on two pages, rows by a pattern, a job that is cancelled when its
/// page is left.
func pagesWithJobs() -> DashApp {
    let app = DashApp(title: "Jobs of pages")
    sharedIDs(in: app)
    rowsOfAPage(in: app)
    leftAlone(in: app)
    atOnce(in: app)
    slowAnswers(in: app)
    app.page("/", layout: "home")
    app.layout = html.Div([
        html.Nav([
            app.link("home", to: "/"), app.link("one", to: "/shared/one"), app.link("two", to: "/shared/two"),
            app.link("rows", to: "/rows"), app.link("leave", to: "/leave"),
            app.link("at once", to: "/at-once"), app.link("slow one", to: "/slow/one"),
            app.link("slow two", to: "/slow/two"),
        ]),
        html.P("", id: "everywhere"), app.pageContainer,
    ])
    return app
}

private func sharedIDs(in app: DashApp) {
    let page = JobPage(), bar = html.Progress.id("bar"), everywhere = html.P.id("everywhere")
    app.page("/shared/<name>") { visit in
        html.Div([html.H3(visit["name"], id: "name"), html.Progress(id: bar, max: "8", value: "0")] + page.layout)
    }
    app.backgroundCallback(
        Output(page.text.children),
        Input(page.run.nClicks),
        State("name", "children"),
        running: page.running,
        cancel: [Input(page.stop.nClicks)],
        progress: Output(bar.value),
        preventInitialCall: true
    ) { setProgress, _, name in
        for step in 1...8 {
            try await Task.sleep(for: .milliseconds(500))
            setProgress("\(step)")
            setProps(everywhere.children, "\(name.stringValue ?? "") \(step)")
        }
        return "done for \(name.stringValue ?? "")"
    }
}

private func rowsOfAPage(in app: DashApp) {
    let run = html.Button.family("run"), result = html.P.family("result")
    app.page(
        "/rows",
        layout: html.Div((1...2).map { html.Div([html.Button("Run", id: run[$0]), html.P("none", id: result[$0])]) })
    )
    app.backgroundCallback(
        Output(result.match.children),
        Input(run.match.nClicks),
        running: [.set(run.match.disabled, to: true, finally: false)],
        preventInitialCall: true
    ) { clicks in
        try await Task.sleep(for: .seconds(4))
        return "done \(clicks ?? 0)"
    }
}

private func leftAlone(in app: DashApp) {
    let run = html.Button.id("work"), text = html.P.id("left")
    app.page("/leave", layout: html.Div([html.Button("Run", id: run), html.P("none", id: text)]))
    app.backgroundCallback(
        Output(text.children),
        Input(run.nClicks),
        running: [.set(run.disabled, to: true, finally: false)],
        cancel: [Input(app.pageLocation.pathname)],
        preventInitialCall: true
    ) { _ in
        note("begun", in: "leave")
        do {
            try await Task.sleep(for: .seconds(300))
        } catch {
            note("ended", in: "leave")
            throw error
        }
        return "not left"
    }
}

/// A job that starts whenever its page is shown, and is cancelled at the end of the visit.
private func atOnce(in app: DashApp) {
    let bar = html.Progress.id("at-once-bar"), text = html.P.id("at-once")
    app.page("/at-once", layout: html.Div([html.Progress(id: bar, max: "2", value: "0"), html.P("none", id: text)]))
    app.backgroundCallback(
        Output(text.children),
        State(text.title),
        cancel: [Input(app.pageLocation.pathname)],
        progress: Output(bar.value)
    ) { setProgress, _ in
        for step in 1...2 {
            setProgress("\(step)")
            try await Task.sleep(for: .milliseconds(500))
        }
        return "done by itself"
    }
}

/// A slow callback on two pages with the same ids.
private func slowAnswers(in app: DashApp) {
    let run = html.Button.id("slow-run"), text = html.P.id("slow")
    app.page("/slow/<name>") { visit in
        html.Div([html.H3(visit["name"], id: "slow-name"), html.Button("Run", id: run), html.P("none", id: text)])
    }
    app.callback(
        Output(text.children),
        Input(run.nClicks),
        State("slow-name", "children"),
        preventInitialCall: true
    ) { (_: Int?, name: JSON) in
        try await Task.sleep(for: .seconds(2))
        return "answered for \(name.stringValue ?? "")"
    }
}
