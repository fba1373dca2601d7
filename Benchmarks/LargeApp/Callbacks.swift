// Written by Benchmarks/make_large_app.py; do not edit.

import Dash

/// An app of 100 callbacks.
func manyCallbacks() -> DashApp {
    let app = DashApp()
    var parts: [Element] = []
    addCallbacks0(to: app, &parts)
    addCallbacks10(to: app, &parts)
    addCallbacks20(to: app, &parts)
    addCallbacks30(to: app, &parts)
    addCallbacks40(to: app, &parts)
    addCallbacks50(to: app, &parts)
    addCallbacks60(to: app, &parts)
    addCallbacks70(to: app, &parts)
    addCallbacks80(to: app, &parts)
    addCallbacks90(to: app, &parts)
    app.layout = html.Div(parts)
    return app
}

private func addCallbacks0(to app: DashApp, _ parts: inout [Element]) {
    let field0 = dcc.Input.id("field0"), text0 = html.P.id("text0")
    parts += [dcc.Input(id: field0, value: "0"), html.P(id: text0)]
    app.callback(Output(text0.children), Input(field0.value)) { text in "You said \(text ?? "nothing")" }

    let run1 = html.Button.id("run1"), name1 = dcc.Input.id("name1"), said1 = html.P.id("said1")
    parts += [html.Button("Say it", id: run1), dcc.Input(id: name1), html.P(id: said1)]
    app.callback(Outputs(said1.children, run1.disabled), Input(run1.nClicks), State(name1.value)) { clicks, name in
        ("\(name ?? "somebody"): \(clicks ?? 0)", (clicks ?? 0) > 3)
    }

    let choice2 = dcc.Dropdown.id("choice2"), chart2 = dcc.Graph.id("chart2")
    parts += [dcc.Dropdown(id: choice2, options: ["a", "b"], value: "a"), dcc.Graph(id: chart2)]
    app.callback(Output(chart2.figure), Input(choice2.value)) { choice in
        let height = choice == "a" ? 200 : 300
        return go.Figure(
            data: [go.Bar(x: ["x", "y"], y: [1, 2], name: choice)],
            layout: dict(title: dict(text: choice), height: height, margin: dict(t: 20, b: 40))
        )
    }

    let start3 = html.Button.id("start3"), stop3 = html.Button.id("stop3"), bar3 = html.Progress.id("bar3")
    parts += [html.Button("Start", id: start3), html.Button("Stop", id: stop3), html.Progress(id: bar3)]
    app.backgroundCallback(
        Output(start3.title),
        Input(start3.nClicks),
        running: [.set(start3.disabled, to: true, finally: false), .set(stop3.disabled, to: false, finally: true)],
        cancel: [Input(stop3.nClicks)],
        progress: Outputs(bar3.value, bar3.max),
        preventInitialCall: true
    ) { setProgress, clicks in
        for step in 1...5 {
            setProgress("\(step)", "5")
            try await Task.sleep(for: .milliseconds(100))
        }
        return "Clicked \(clicks ?? 0) times"
    }

    let word4 = dcc.Input.id("word4"), kind4 = dcc.RadioItems.id("kind4"), list4 = html.Ul.id("list4")
    parts += [dcc.Input(id: word4), dcc.RadioItems(id: kind4, options: ["b", "i"]), html.Ul(id: list4)]
    app.callback(Output(list4.children), Input(word4.value), Input(kind4.value)) { word, kind in
        (word ?? "").split(separator: " ").map { part in
            html.Li(kind == "b" ? html.B("\(part)") : html.I("\(part)"), className: "entry", style: ["margin": "2px"])
        }
    }

    let field5 = dcc.Input.id("field5"), text5 = html.P.id("text5")
    parts += [dcc.Input(id: field5, value: "5"), html.P(id: text5)]
    app.callback(Output(text5.children), Input(field5.value)) { text in "You said \(text ?? "nothing")" }

    let run6 = html.Button.id("run6"), name6 = dcc.Input.id("name6"), said6 = html.P.id("said6")
    parts += [html.Button("Say it", id: run6), dcc.Input(id: name6), html.P(id: said6)]
    app.callback(Outputs(said6.children, run6.disabled), Input(run6.nClicks), State(name6.value)) { clicks, name in
        ("\(name ?? "somebody"): \(clicks ?? 0)", (clicks ?? 0) > 3)
    }

    let choice7 = dcc.Dropdown.id("choice7"), chart7 = dcc.Graph.id("chart7")
    parts += [dcc.Dropdown(id: choice7, options: ["a", "b"], value: "a"), dcc.Graph(id: chart7)]
    app.callback(Output(chart7.figure), Input(choice7.value)) { choice in
        let height = choice == "a" ? 200 : 300
        return go.Figure(
            data: [go.Bar(x: ["x", "y"], y: [1, 7], name: choice)],
            layout: dict(title: dict(text: choice), height: height, margin: dict(t: 20, b: 40))
        )
    }

    let start8 = html.Button.id("start8"), stop8 = html.Button.id("stop8"), bar8 = html.Progress.id("bar8")
    parts += [html.Button("Start", id: start8), html.Button("Stop", id: stop8), html.Progress(id: bar8)]
    app.backgroundCallback(
        Output(start8.title),
        Input(start8.nClicks),
        running: [.set(start8.disabled, to: true, finally: false), .set(stop8.disabled, to: false, finally: true)],
        cancel: [Input(stop8.nClicks)],
        progress: Outputs(bar8.value, bar8.max),
        preventInitialCall: true
    ) { setProgress, clicks in
        for step in 1...5 {
            setProgress("\(step)", "5")
            try await Task.sleep(for: .milliseconds(100))
        }
        return "Clicked \(clicks ?? 0) times"
    }

    let word9 = dcc.Input.id("word9"), kind9 = dcc.RadioItems.id("kind9"), list9 = html.Ul.id("list9")
    parts += [dcc.Input(id: word9), dcc.RadioItems(id: kind9, options: ["b", "i"]), html.Ul(id: list9)]
    app.callback(Output(list9.children), Input(word9.value), Input(kind9.value)) { word, kind in
        (word ?? "").split(separator: " ").map { part in
            html.Li(kind == "b" ? html.B("\(part)") : html.I("\(part)"), className: "entry", style: ["margin": "2px"])
        }
    }
}

private func addCallbacks10(to app: DashApp, _ parts: inout [Element]) {
    let field10 = dcc.Input.id("field10"), text10 = html.P.id("text10")
    parts += [dcc.Input(id: field10, value: "10"), html.P(id: text10)]
    app.callback(Output(text10.children), Input(field10.value)) { text in "You said \(text ?? "nothing")" }

    let run11 = html.Button.id("run11"), name11 = dcc.Input.id("name11"), said11 = html.P.id("said11")
    parts += [html.Button("Say it", id: run11), dcc.Input(id: name11), html.P(id: said11)]
    app.callback(Outputs(said11.children, run11.disabled), Input(run11.nClicks), State(name11.value)) { clicks, name in
        ("\(name ?? "somebody"): \(clicks ?? 0)", (clicks ?? 0) > 3)
    }

    let choice12 = dcc.Dropdown.id("choice12"), chart12 = dcc.Graph.id("chart12")
    parts += [dcc.Dropdown(id: choice12, options: ["a", "b"], value: "a"), dcc.Graph(id: chart12)]
    app.callback(Output(chart12.figure), Input(choice12.value)) { choice in
        let height = choice == "a" ? 200 : 300
        return go.Figure(
            data: [go.Bar(x: ["x", "y"], y: [1, 12], name: choice)],
            layout: dict(title: dict(text: choice), height: height, margin: dict(t: 20, b: 40))
        )
    }

    let start13 = html.Button.id("start13"), stop13 = html.Button.id("stop13"), bar13 = html.Progress.id("bar13")
    parts += [html.Button("Start", id: start13), html.Button("Stop", id: stop13), html.Progress(id: bar13)]
    app.backgroundCallback(
        Output(start13.title),
        Input(start13.nClicks),
        running: [.set(start13.disabled, to: true, finally: false), .set(stop13.disabled, to: false, finally: true)],
        cancel: [Input(stop13.nClicks)],
        progress: Outputs(bar13.value, bar13.max),
        preventInitialCall: true
    ) { setProgress, clicks in
        for step in 1...5 {
            setProgress("\(step)", "5")
            try await Task.sleep(for: .milliseconds(100))
        }
        return "Clicked \(clicks ?? 0) times"
    }

    let word14 = dcc.Input.id("word14"), kind14 = dcc.RadioItems.id("kind14"), list14 = html.Ul.id("list14")
    parts += [dcc.Input(id: word14), dcc.RadioItems(id: kind14, options: ["b", "i"]), html.Ul(id: list14)]
    app.callback(Output(list14.children), Input(word14.value), Input(kind14.value)) { word, kind in
        (word ?? "").split(separator: " ").map { part in
            html.Li(kind == "b" ? html.B("\(part)") : html.I("\(part)"), className: "entry", style: ["margin": "2px"])
        }
    }

    let field15 = dcc.Input.id("field15"), text15 = html.P.id("text15")
    parts += [dcc.Input(id: field15, value: "15"), html.P(id: text15)]
    app.callback(Output(text15.children), Input(field15.value)) { text in "You said \(text ?? "nothing")" }

    let run16 = html.Button.id("run16"), name16 = dcc.Input.id("name16"), said16 = html.P.id("said16")
    parts += [html.Button("Say it", id: run16), dcc.Input(id: name16), html.P(id: said16)]
    app.callback(Outputs(said16.children, run16.disabled), Input(run16.nClicks), State(name16.value)) { clicks, name in
        ("\(name ?? "somebody"): \(clicks ?? 0)", (clicks ?? 0) > 3)
    }

    let choice17 = dcc.Dropdown.id("choice17"), chart17 = dcc.Graph.id("chart17")
    parts += [dcc.Dropdown(id: choice17, options: ["a", "b"], value: "a"), dcc.Graph(id: chart17)]
    app.callback(Output(chart17.figure), Input(choice17.value)) { choice in
        let height = choice == "a" ? 200 : 300
        return go.Figure(
            data: [go.Bar(x: ["x", "y"], y: [1, 17], name: choice)],
            layout: dict(title: dict(text: choice), height: height, margin: dict(t: 20, b: 40))
        )
    }

    let start18 = html.Button.id("start18"), stop18 = html.Button.id("stop18"), bar18 = html.Progress.id("bar18")
    parts += [html.Button("Start", id: start18), html.Button("Stop", id: stop18), html.Progress(id: bar18)]
    app.backgroundCallback(
        Output(start18.title),
        Input(start18.nClicks),
        running: [.set(start18.disabled, to: true, finally: false), .set(stop18.disabled, to: false, finally: true)],
        cancel: [Input(stop18.nClicks)],
        progress: Outputs(bar18.value, bar18.max),
        preventInitialCall: true
    ) { setProgress, clicks in
        for step in 1...5 {
            setProgress("\(step)", "5")
            try await Task.sleep(for: .milliseconds(100))
        }
        return "Clicked \(clicks ?? 0) times"
    }

    let word19 = dcc.Input.id("word19"), kind19 = dcc.RadioItems.id("kind19"), list19 = html.Ul.id("list19")
    parts += [dcc.Input(id: word19), dcc.RadioItems(id: kind19, options: ["b", "i"]), html.Ul(id: list19)]
    app.callback(Output(list19.children), Input(word19.value), Input(kind19.value)) { word, kind in
        (word ?? "").split(separator: " ").map { part in
            html.Li(kind == "b" ? html.B("\(part)") : html.I("\(part)"), className: "entry", style: ["margin": "2px"])
        }
    }
}

private func addCallbacks20(to app: DashApp, _ parts: inout [Element]) {
    let field20 = dcc.Input.id("field20"), text20 = html.P.id("text20")
    parts += [dcc.Input(id: field20, value: "20"), html.P(id: text20)]
    app.callback(Output(text20.children), Input(field20.value)) { text in "You said \(text ?? "nothing")" }

    let run21 = html.Button.id("run21"), name21 = dcc.Input.id("name21"), said21 = html.P.id("said21")
    parts += [html.Button("Say it", id: run21), dcc.Input(id: name21), html.P(id: said21)]
    app.callback(Outputs(said21.children, run21.disabled), Input(run21.nClicks), State(name21.value)) { clicks, name in
        ("\(name ?? "somebody"): \(clicks ?? 0)", (clicks ?? 0) > 3)
    }

    let choice22 = dcc.Dropdown.id("choice22"), chart22 = dcc.Graph.id("chart22")
    parts += [dcc.Dropdown(id: choice22, options: ["a", "b"], value: "a"), dcc.Graph(id: chart22)]
    app.callback(Output(chart22.figure), Input(choice22.value)) { choice in
        let height = choice == "a" ? 200 : 300
        return go.Figure(
            data: [go.Bar(x: ["x", "y"], y: [1, 22], name: choice)],
            layout: dict(title: dict(text: choice), height: height, margin: dict(t: 20, b: 40))
        )
    }

    let start23 = html.Button.id("start23"), stop23 = html.Button.id("stop23"), bar23 = html.Progress.id("bar23")
    parts += [html.Button("Start", id: start23), html.Button("Stop", id: stop23), html.Progress(id: bar23)]
    app.backgroundCallback(
        Output(start23.title),
        Input(start23.nClicks),
        running: [.set(start23.disabled, to: true, finally: false), .set(stop23.disabled, to: false, finally: true)],
        cancel: [Input(stop23.nClicks)],
        progress: Outputs(bar23.value, bar23.max),
        preventInitialCall: true
    ) { setProgress, clicks in
        for step in 1...5 {
            setProgress("\(step)", "5")
            try await Task.sleep(for: .milliseconds(100))
        }
        return "Clicked \(clicks ?? 0) times"
    }

    let word24 = dcc.Input.id("word24"), kind24 = dcc.RadioItems.id("kind24"), list24 = html.Ul.id("list24")
    parts += [dcc.Input(id: word24), dcc.RadioItems(id: kind24, options: ["b", "i"]), html.Ul(id: list24)]
    app.callback(Output(list24.children), Input(word24.value), Input(kind24.value)) { word, kind in
        (word ?? "").split(separator: " ").map { part in
            html.Li(kind == "b" ? html.B("\(part)") : html.I("\(part)"), className: "entry", style: ["margin": "2px"])
        }
    }

    let field25 = dcc.Input.id("field25"), text25 = html.P.id("text25")
    parts += [dcc.Input(id: field25, value: "25"), html.P(id: text25)]
    app.callback(Output(text25.children), Input(field25.value)) { text in "You said \(text ?? "nothing")" }

    let run26 = html.Button.id("run26"), name26 = dcc.Input.id("name26"), said26 = html.P.id("said26")
    parts += [html.Button("Say it", id: run26), dcc.Input(id: name26), html.P(id: said26)]
    app.callback(Outputs(said26.children, run26.disabled), Input(run26.nClicks), State(name26.value)) { clicks, name in
        ("\(name ?? "somebody"): \(clicks ?? 0)", (clicks ?? 0) > 3)
    }

    let choice27 = dcc.Dropdown.id("choice27"), chart27 = dcc.Graph.id("chart27")
    parts += [dcc.Dropdown(id: choice27, options: ["a", "b"], value: "a"), dcc.Graph(id: chart27)]
    app.callback(Output(chart27.figure), Input(choice27.value)) { choice in
        let height = choice == "a" ? 200 : 300
        return go.Figure(
            data: [go.Bar(x: ["x", "y"], y: [1, 27], name: choice)],
            layout: dict(title: dict(text: choice), height: height, margin: dict(t: 20, b: 40))
        )
    }

    let start28 = html.Button.id("start28"), stop28 = html.Button.id("stop28"), bar28 = html.Progress.id("bar28")
    parts += [html.Button("Start", id: start28), html.Button("Stop", id: stop28), html.Progress(id: bar28)]
    app.backgroundCallback(
        Output(start28.title),
        Input(start28.nClicks),
        running: [.set(start28.disabled, to: true, finally: false), .set(stop28.disabled, to: false, finally: true)],
        cancel: [Input(stop28.nClicks)],
        progress: Outputs(bar28.value, bar28.max),
        preventInitialCall: true
    ) { setProgress, clicks in
        for step in 1...5 {
            setProgress("\(step)", "5")
            try await Task.sleep(for: .milliseconds(100))
        }
        return "Clicked \(clicks ?? 0) times"
    }

    let word29 = dcc.Input.id("word29"), kind29 = dcc.RadioItems.id("kind29"), list29 = html.Ul.id("list29")
    parts += [dcc.Input(id: word29), dcc.RadioItems(id: kind29, options: ["b", "i"]), html.Ul(id: list29)]
    app.callback(Output(list29.children), Input(word29.value), Input(kind29.value)) { word, kind in
        (word ?? "").split(separator: " ").map { part in
            html.Li(kind == "b" ? html.B("\(part)") : html.I("\(part)"), className: "entry", style: ["margin": "2px"])
        }
    }
}

private func addCallbacks30(to app: DashApp, _ parts: inout [Element]) {
    let field30 = dcc.Input.id("field30"), text30 = html.P.id("text30")
    parts += [dcc.Input(id: field30, value: "30"), html.P(id: text30)]
    app.callback(Output(text30.children), Input(field30.value)) { text in "You said \(text ?? "nothing")" }

    let run31 = html.Button.id("run31"), name31 = dcc.Input.id("name31"), said31 = html.P.id("said31")
    parts += [html.Button("Say it", id: run31), dcc.Input(id: name31), html.P(id: said31)]
    app.callback(Outputs(said31.children, run31.disabled), Input(run31.nClicks), State(name31.value)) { clicks, name in
        ("\(name ?? "somebody"): \(clicks ?? 0)", (clicks ?? 0) > 3)
    }

    let choice32 = dcc.Dropdown.id("choice32"), chart32 = dcc.Graph.id("chart32")
    parts += [dcc.Dropdown(id: choice32, options: ["a", "b"], value: "a"), dcc.Graph(id: chart32)]
    app.callback(Output(chart32.figure), Input(choice32.value)) { choice in
        let height = choice == "a" ? 200 : 300
        return go.Figure(
            data: [go.Bar(x: ["x", "y"], y: [1, 32], name: choice)],
            layout: dict(title: dict(text: choice), height: height, margin: dict(t: 20, b: 40))
        )
    }

    let start33 = html.Button.id("start33"), stop33 = html.Button.id("stop33"), bar33 = html.Progress.id("bar33")
    parts += [html.Button("Start", id: start33), html.Button("Stop", id: stop33), html.Progress(id: bar33)]
    app.backgroundCallback(
        Output(start33.title),
        Input(start33.nClicks),
        running: [.set(start33.disabled, to: true, finally: false), .set(stop33.disabled, to: false, finally: true)],
        cancel: [Input(stop33.nClicks)],
        progress: Outputs(bar33.value, bar33.max),
        preventInitialCall: true
    ) { setProgress, clicks in
        for step in 1...5 {
            setProgress("\(step)", "5")
            try await Task.sleep(for: .milliseconds(100))
        }
        return "Clicked \(clicks ?? 0) times"
    }

    let word34 = dcc.Input.id("word34"), kind34 = dcc.RadioItems.id("kind34"), list34 = html.Ul.id("list34")
    parts += [dcc.Input(id: word34), dcc.RadioItems(id: kind34, options: ["b", "i"]), html.Ul(id: list34)]
    app.callback(Output(list34.children), Input(word34.value), Input(kind34.value)) { word, kind in
        (word ?? "").split(separator: " ").map { part in
            html.Li(kind == "b" ? html.B("\(part)") : html.I("\(part)"), className: "entry", style: ["margin": "2px"])
        }
    }

    let field35 = dcc.Input.id("field35"), text35 = html.P.id("text35")
    parts += [dcc.Input(id: field35, value: "35"), html.P(id: text35)]
    app.callback(Output(text35.children), Input(field35.value)) { text in "You said \(text ?? "nothing")" }

    let run36 = html.Button.id("run36"), name36 = dcc.Input.id("name36"), said36 = html.P.id("said36")
    parts += [html.Button("Say it", id: run36), dcc.Input(id: name36), html.P(id: said36)]
    app.callback(Outputs(said36.children, run36.disabled), Input(run36.nClicks), State(name36.value)) { clicks, name in
        ("\(name ?? "somebody"): \(clicks ?? 0)", (clicks ?? 0) > 3)
    }

    let choice37 = dcc.Dropdown.id("choice37"), chart37 = dcc.Graph.id("chart37")
    parts += [dcc.Dropdown(id: choice37, options: ["a", "b"], value: "a"), dcc.Graph(id: chart37)]
    app.callback(Output(chart37.figure), Input(choice37.value)) { choice in
        let height = choice == "a" ? 200 : 300
        return go.Figure(
            data: [go.Bar(x: ["x", "y"], y: [1, 37], name: choice)],
            layout: dict(title: dict(text: choice), height: height, margin: dict(t: 20, b: 40))
        )
    }

    let start38 = html.Button.id("start38"), stop38 = html.Button.id("stop38"), bar38 = html.Progress.id("bar38")
    parts += [html.Button("Start", id: start38), html.Button("Stop", id: stop38), html.Progress(id: bar38)]
    app.backgroundCallback(
        Output(start38.title),
        Input(start38.nClicks),
        running: [.set(start38.disabled, to: true, finally: false), .set(stop38.disabled, to: false, finally: true)],
        cancel: [Input(stop38.nClicks)],
        progress: Outputs(bar38.value, bar38.max),
        preventInitialCall: true
    ) { setProgress, clicks in
        for step in 1...5 {
            setProgress("\(step)", "5")
            try await Task.sleep(for: .milliseconds(100))
        }
        return "Clicked \(clicks ?? 0) times"
    }

    let word39 = dcc.Input.id("word39"), kind39 = dcc.RadioItems.id("kind39"), list39 = html.Ul.id("list39")
    parts += [dcc.Input(id: word39), dcc.RadioItems(id: kind39, options: ["b", "i"]), html.Ul(id: list39)]
    app.callback(Output(list39.children), Input(word39.value), Input(kind39.value)) { word, kind in
        (word ?? "").split(separator: " ").map { part in
            html.Li(kind == "b" ? html.B("\(part)") : html.I("\(part)"), className: "entry", style: ["margin": "2px"])
        }
    }
}

private func addCallbacks40(to app: DashApp, _ parts: inout [Element]) {
    let field40 = dcc.Input.id("field40"), text40 = html.P.id("text40")
    parts += [dcc.Input(id: field40, value: "40"), html.P(id: text40)]
    app.callback(Output(text40.children), Input(field40.value)) { text in "You said \(text ?? "nothing")" }

    let run41 = html.Button.id("run41"), name41 = dcc.Input.id("name41"), said41 = html.P.id("said41")
    parts += [html.Button("Say it", id: run41), dcc.Input(id: name41), html.P(id: said41)]
    app.callback(Outputs(said41.children, run41.disabled), Input(run41.nClicks), State(name41.value)) { clicks, name in
        ("\(name ?? "somebody"): \(clicks ?? 0)", (clicks ?? 0) > 3)
    }

    let choice42 = dcc.Dropdown.id("choice42"), chart42 = dcc.Graph.id("chart42")
    parts += [dcc.Dropdown(id: choice42, options: ["a", "b"], value: "a"), dcc.Graph(id: chart42)]
    app.callback(Output(chart42.figure), Input(choice42.value)) { choice in
        let height = choice == "a" ? 200 : 300
        return go.Figure(
            data: [go.Bar(x: ["x", "y"], y: [1, 42], name: choice)],
            layout: dict(title: dict(text: choice), height: height, margin: dict(t: 20, b: 40))
        )
    }

    let start43 = html.Button.id("start43"), stop43 = html.Button.id("stop43"), bar43 = html.Progress.id("bar43")
    parts += [html.Button("Start", id: start43), html.Button("Stop", id: stop43), html.Progress(id: bar43)]
    app.backgroundCallback(
        Output(start43.title),
        Input(start43.nClicks),
        running: [.set(start43.disabled, to: true, finally: false), .set(stop43.disabled, to: false, finally: true)],
        cancel: [Input(stop43.nClicks)],
        progress: Outputs(bar43.value, bar43.max),
        preventInitialCall: true
    ) { setProgress, clicks in
        for step in 1...5 {
            setProgress("\(step)", "5")
            try await Task.sleep(for: .milliseconds(100))
        }
        return "Clicked \(clicks ?? 0) times"
    }

    let word44 = dcc.Input.id("word44"), kind44 = dcc.RadioItems.id("kind44"), list44 = html.Ul.id("list44")
    parts += [dcc.Input(id: word44), dcc.RadioItems(id: kind44, options: ["b", "i"]), html.Ul(id: list44)]
    app.callback(Output(list44.children), Input(word44.value), Input(kind44.value)) { word, kind in
        (word ?? "").split(separator: " ").map { part in
            html.Li(kind == "b" ? html.B("\(part)") : html.I("\(part)"), className: "entry", style: ["margin": "2px"])
        }
    }

    let field45 = dcc.Input.id("field45"), text45 = html.P.id("text45")
    parts += [dcc.Input(id: field45, value: "45"), html.P(id: text45)]
    app.callback(Output(text45.children), Input(field45.value)) { text in "You said \(text ?? "nothing")" }

    let run46 = html.Button.id("run46"), name46 = dcc.Input.id("name46"), said46 = html.P.id("said46")
    parts += [html.Button("Say it", id: run46), dcc.Input(id: name46), html.P(id: said46)]
    app.callback(Outputs(said46.children, run46.disabled), Input(run46.nClicks), State(name46.value)) { clicks, name in
        ("\(name ?? "somebody"): \(clicks ?? 0)", (clicks ?? 0) > 3)
    }

    let choice47 = dcc.Dropdown.id("choice47"), chart47 = dcc.Graph.id("chart47")
    parts += [dcc.Dropdown(id: choice47, options: ["a", "b"], value: "a"), dcc.Graph(id: chart47)]
    app.callback(Output(chart47.figure), Input(choice47.value)) { choice in
        let height = choice == "a" ? 200 : 300
        return go.Figure(
            data: [go.Bar(x: ["x", "y"], y: [1, 47], name: choice)],
            layout: dict(title: dict(text: choice), height: height, margin: dict(t: 20, b: 40))
        )
    }

    let start48 = html.Button.id("start48"), stop48 = html.Button.id("stop48"), bar48 = html.Progress.id("bar48")
    parts += [html.Button("Start", id: start48), html.Button("Stop", id: stop48), html.Progress(id: bar48)]
    app.backgroundCallback(
        Output(start48.title),
        Input(start48.nClicks),
        running: [.set(start48.disabled, to: true, finally: false), .set(stop48.disabled, to: false, finally: true)],
        cancel: [Input(stop48.nClicks)],
        progress: Outputs(bar48.value, bar48.max),
        preventInitialCall: true
    ) { setProgress, clicks in
        for step in 1...5 {
            setProgress("\(step)", "5")
            try await Task.sleep(for: .milliseconds(100))
        }
        return "Clicked \(clicks ?? 0) times"
    }

    let word49 = dcc.Input.id("word49"), kind49 = dcc.RadioItems.id("kind49"), list49 = html.Ul.id("list49")
    parts += [dcc.Input(id: word49), dcc.RadioItems(id: kind49, options: ["b", "i"]), html.Ul(id: list49)]
    app.callback(Output(list49.children), Input(word49.value), Input(kind49.value)) { word, kind in
        (word ?? "").split(separator: " ").map { part in
            html.Li(kind == "b" ? html.B("\(part)") : html.I("\(part)"), className: "entry", style: ["margin": "2px"])
        }
    }
}

private func addCallbacks50(to app: DashApp, _ parts: inout [Element]) {
    let field50 = dcc.Input.id("field50"), text50 = html.P.id("text50")
    parts += [dcc.Input(id: field50, value: "50"), html.P(id: text50)]
    app.callback(Output(text50.children), Input(field50.value)) { text in "You said \(text ?? "nothing")" }

    let run51 = html.Button.id("run51"), name51 = dcc.Input.id("name51"), said51 = html.P.id("said51")
    parts += [html.Button("Say it", id: run51), dcc.Input(id: name51), html.P(id: said51)]
    app.callback(Outputs(said51.children, run51.disabled), Input(run51.nClicks), State(name51.value)) { clicks, name in
        ("\(name ?? "somebody"): \(clicks ?? 0)", (clicks ?? 0) > 3)
    }

    let choice52 = dcc.Dropdown.id("choice52"), chart52 = dcc.Graph.id("chart52")
    parts += [dcc.Dropdown(id: choice52, options: ["a", "b"], value: "a"), dcc.Graph(id: chart52)]
    app.callback(Output(chart52.figure), Input(choice52.value)) { choice in
        let height = choice == "a" ? 200 : 300
        return go.Figure(
            data: [go.Bar(x: ["x", "y"], y: [1, 52], name: choice)],
            layout: dict(title: dict(text: choice), height: height, margin: dict(t: 20, b: 40))
        )
    }

    let start53 = html.Button.id("start53"), stop53 = html.Button.id("stop53"), bar53 = html.Progress.id("bar53")
    parts += [html.Button("Start", id: start53), html.Button("Stop", id: stop53), html.Progress(id: bar53)]
    app.backgroundCallback(
        Output(start53.title),
        Input(start53.nClicks),
        running: [.set(start53.disabled, to: true, finally: false), .set(stop53.disabled, to: false, finally: true)],
        cancel: [Input(stop53.nClicks)],
        progress: Outputs(bar53.value, bar53.max),
        preventInitialCall: true
    ) { setProgress, clicks in
        for step in 1...5 {
            setProgress("\(step)", "5")
            try await Task.sleep(for: .milliseconds(100))
        }
        return "Clicked \(clicks ?? 0) times"
    }

    let word54 = dcc.Input.id("word54"), kind54 = dcc.RadioItems.id("kind54"), list54 = html.Ul.id("list54")
    parts += [dcc.Input(id: word54), dcc.RadioItems(id: kind54, options: ["b", "i"]), html.Ul(id: list54)]
    app.callback(Output(list54.children), Input(word54.value), Input(kind54.value)) { word, kind in
        (word ?? "").split(separator: " ").map { part in
            html.Li(kind == "b" ? html.B("\(part)") : html.I("\(part)"), className: "entry", style: ["margin": "2px"])
        }
    }

    let field55 = dcc.Input.id("field55"), text55 = html.P.id("text55")
    parts += [dcc.Input(id: field55, value: "55"), html.P(id: text55)]
    app.callback(Output(text55.children), Input(field55.value)) { text in "You said \(text ?? "nothing")" }

    let run56 = html.Button.id("run56"), name56 = dcc.Input.id("name56"), said56 = html.P.id("said56")
    parts += [html.Button("Say it", id: run56), dcc.Input(id: name56), html.P(id: said56)]
    app.callback(Outputs(said56.children, run56.disabled), Input(run56.nClicks), State(name56.value)) { clicks, name in
        ("\(name ?? "somebody"): \(clicks ?? 0)", (clicks ?? 0) > 3)
    }

    let choice57 = dcc.Dropdown.id("choice57"), chart57 = dcc.Graph.id("chart57")
    parts += [dcc.Dropdown(id: choice57, options: ["a", "b"], value: "a"), dcc.Graph(id: chart57)]
    app.callback(Output(chart57.figure), Input(choice57.value)) { choice in
        let height = choice == "a" ? 200 : 300
        return go.Figure(
            data: [go.Bar(x: ["x", "y"], y: [1, 57], name: choice)],
            layout: dict(title: dict(text: choice), height: height, margin: dict(t: 20, b: 40))
        )
    }

    let start58 = html.Button.id("start58"), stop58 = html.Button.id("stop58"), bar58 = html.Progress.id("bar58")
    parts += [html.Button("Start", id: start58), html.Button("Stop", id: stop58), html.Progress(id: bar58)]
    app.backgroundCallback(
        Output(start58.title),
        Input(start58.nClicks),
        running: [.set(start58.disabled, to: true, finally: false), .set(stop58.disabled, to: false, finally: true)],
        cancel: [Input(stop58.nClicks)],
        progress: Outputs(bar58.value, bar58.max),
        preventInitialCall: true
    ) { setProgress, clicks in
        for step in 1...5 {
            setProgress("\(step)", "5")
            try await Task.sleep(for: .milliseconds(100))
        }
        return "Clicked \(clicks ?? 0) times"
    }

    let word59 = dcc.Input.id("word59"), kind59 = dcc.RadioItems.id("kind59"), list59 = html.Ul.id("list59")
    parts += [dcc.Input(id: word59), dcc.RadioItems(id: kind59, options: ["b", "i"]), html.Ul(id: list59)]
    app.callback(Output(list59.children), Input(word59.value), Input(kind59.value)) { word, kind in
        (word ?? "").split(separator: " ").map { part in
            html.Li(kind == "b" ? html.B("\(part)") : html.I("\(part)"), className: "entry", style: ["margin": "2px"])
        }
    }
}

private func addCallbacks60(to app: DashApp, _ parts: inout [Element]) {
    let field60 = dcc.Input.id("field60"), text60 = html.P.id("text60")
    parts += [dcc.Input(id: field60, value: "60"), html.P(id: text60)]
    app.callback(Output(text60.children), Input(field60.value)) { text in "You said \(text ?? "nothing")" }

    let run61 = html.Button.id("run61"), name61 = dcc.Input.id("name61"), said61 = html.P.id("said61")
    parts += [html.Button("Say it", id: run61), dcc.Input(id: name61), html.P(id: said61)]
    app.callback(Outputs(said61.children, run61.disabled), Input(run61.nClicks), State(name61.value)) { clicks, name in
        ("\(name ?? "somebody"): \(clicks ?? 0)", (clicks ?? 0) > 3)
    }

    let choice62 = dcc.Dropdown.id("choice62"), chart62 = dcc.Graph.id("chart62")
    parts += [dcc.Dropdown(id: choice62, options: ["a", "b"], value: "a"), dcc.Graph(id: chart62)]
    app.callback(Output(chart62.figure), Input(choice62.value)) { choice in
        let height = choice == "a" ? 200 : 300
        return go.Figure(
            data: [go.Bar(x: ["x", "y"], y: [1, 62], name: choice)],
            layout: dict(title: dict(text: choice), height: height, margin: dict(t: 20, b: 40))
        )
    }

    let start63 = html.Button.id("start63"), stop63 = html.Button.id("stop63"), bar63 = html.Progress.id("bar63")
    parts += [html.Button("Start", id: start63), html.Button("Stop", id: stop63), html.Progress(id: bar63)]
    app.backgroundCallback(
        Output(start63.title),
        Input(start63.nClicks),
        running: [.set(start63.disabled, to: true, finally: false), .set(stop63.disabled, to: false, finally: true)],
        cancel: [Input(stop63.nClicks)],
        progress: Outputs(bar63.value, bar63.max),
        preventInitialCall: true
    ) { setProgress, clicks in
        for step in 1...5 {
            setProgress("\(step)", "5")
            try await Task.sleep(for: .milliseconds(100))
        }
        return "Clicked \(clicks ?? 0) times"
    }

    let word64 = dcc.Input.id("word64"), kind64 = dcc.RadioItems.id("kind64"), list64 = html.Ul.id("list64")
    parts += [dcc.Input(id: word64), dcc.RadioItems(id: kind64, options: ["b", "i"]), html.Ul(id: list64)]
    app.callback(Output(list64.children), Input(word64.value), Input(kind64.value)) { word, kind in
        (word ?? "").split(separator: " ").map { part in
            html.Li(kind == "b" ? html.B("\(part)") : html.I("\(part)"), className: "entry", style: ["margin": "2px"])
        }
    }

    let field65 = dcc.Input.id("field65"), text65 = html.P.id("text65")
    parts += [dcc.Input(id: field65, value: "65"), html.P(id: text65)]
    app.callback(Output(text65.children), Input(field65.value)) { text in "You said \(text ?? "nothing")" }

    let run66 = html.Button.id("run66"), name66 = dcc.Input.id("name66"), said66 = html.P.id("said66")
    parts += [html.Button("Say it", id: run66), dcc.Input(id: name66), html.P(id: said66)]
    app.callback(Outputs(said66.children, run66.disabled), Input(run66.nClicks), State(name66.value)) { clicks, name in
        ("\(name ?? "somebody"): \(clicks ?? 0)", (clicks ?? 0) > 3)
    }

    let choice67 = dcc.Dropdown.id("choice67"), chart67 = dcc.Graph.id("chart67")
    parts += [dcc.Dropdown(id: choice67, options: ["a", "b"], value: "a"), dcc.Graph(id: chart67)]
    app.callback(Output(chart67.figure), Input(choice67.value)) { choice in
        let height = choice == "a" ? 200 : 300
        return go.Figure(
            data: [go.Bar(x: ["x", "y"], y: [1, 67], name: choice)],
            layout: dict(title: dict(text: choice), height: height, margin: dict(t: 20, b: 40))
        )
    }

    let start68 = html.Button.id("start68"), stop68 = html.Button.id("stop68"), bar68 = html.Progress.id("bar68")
    parts += [html.Button("Start", id: start68), html.Button("Stop", id: stop68), html.Progress(id: bar68)]
    app.backgroundCallback(
        Output(start68.title),
        Input(start68.nClicks),
        running: [.set(start68.disabled, to: true, finally: false), .set(stop68.disabled, to: false, finally: true)],
        cancel: [Input(stop68.nClicks)],
        progress: Outputs(bar68.value, bar68.max),
        preventInitialCall: true
    ) { setProgress, clicks in
        for step in 1...5 {
            setProgress("\(step)", "5")
            try await Task.sleep(for: .milliseconds(100))
        }
        return "Clicked \(clicks ?? 0) times"
    }

    let word69 = dcc.Input.id("word69"), kind69 = dcc.RadioItems.id("kind69"), list69 = html.Ul.id("list69")
    parts += [dcc.Input(id: word69), dcc.RadioItems(id: kind69, options: ["b", "i"]), html.Ul(id: list69)]
    app.callback(Output(list69.children), Input(word69.value), Input(kind69.value)) { word, kind in
        (word ?? "").split(separator: " ").map { part in
            html.Li(kind == "b" ? html.B("\(part)") : html.I("\(part)"), className: "entry", style: ["margin": "2px"])
        }
    }
}

private func addCallbacks70(to app: DashApp, _ parts: inout [Element]) {
    let field70 = dcc.Input.id("field70"), text70 = html.P.id("text70")
    parts += [dcc.Input(id: field70, value: "70"), html.P(id: text70)]
    app.callback(Output(text70.children), Input(field70.value)) { text in "You said \(text ?? "nothing")" }

    let run71 = html.Button.id("run71"), name71 = dcc.Input.id("name71"), said71 = html.P.id("said71")
    parts += [html.Button("Say it", id: run71), dcc.Input(id: name71), html.P(id: said71)]
    app.callback(Outputs(said71.children, run71.disabled), Input(run71.nClicks), State(name71.value)) { clicks, name in
        ("\(name ?? "somebody"): \(clicks ?? 0)", (clicks ?? 0) > 3)
    }

    let choice72 = dcc.Dropdown.id("choice72"), chart72 = dcc.Graph.id("chart72")
    parts += [dcc.Dropdown(id: choice72, options: ["a", "b"], value: "a"), dcc.Graph(id: chart72)]
    app.callback(Output(chart72.figure), Input(choice72.value)) { choice in
        let height = choice == "a" ? 200 : 300
        return go.Figure(
            data: [go.Bar(x: ["x", "y"], y: [1, 72], name: choice)],
            layout: dict(title: dict(text: choice), height: height, margin: dict(t: 20, b: 40))
        )
    }

    let start73 = html.Button.id("start73"), stop73 = html.Button.id("stop73"), bar73 = html.Progress.id("bar73")
    parts += [html.Button("Start", id: start73), html.Button("Stop", id: stop73), html.Progress(id: bar73)]
    app.backgroundCallback(
        Output(start73.title),
        Input(start73.nClicks),
        running: [.set(start73.disabled, to: true, finally: false), .set(stop73.disabled, to: false, finally: true)],
        cancel: [Input(stop73.nClicks)],
        progress: Outputs(bar73.value, bar73.max),
        preventInitialCall: true
    ) { setProgress, clicks in
        for step in 1...5 {
            setProgress("\(step)", "5")
            try await Task.sleep(for: .milliseconds(100))
        }
        return "Clicked \(clicks ?? 0) times"
    }

    let word74 = dcc.Input.id("word74"), kind74 = dcc.RadioItems.id("kind74"), list74 = html.Ul.id("list74")
    parts += [dcc.Input(id: word74), dcc.RadioItems(id: kind74, options: ["b", "i"]), html.Ul(id: list74)]
    app.callback(Output(list74.children), Input(word74.value), Input(kind74.value)) { word, kind in
        (word ?? "").split(separator: " ").map { part in
            html.Li(kind == "b" ? html.B("\(part)") : html.I("\(part)"), className: "entry", style: ["margin": "2px"])
        }
    }

    let field75 = dcc.Input.id("field75"), text75 = html.P.id("text75")
    parts += [dcc.Input(id: field75, value: "75"), html.P(id: text75)]
    app.callback(Output(text75.children), Input(field75.value)) { text in "You said \(text ?? "nothing")" }

    let run76 = html.Button.id("run76"), name76 = dcc.Input.id("name76"), said76 = html.P.id("said76")
    parts += [html.Button("Say it", id: run76), dcc.Input(id: name76), html.P(id: said76)]
    app.callback(Outputs(said76.children, run76.disabled), Input(run76.nClicks), State(name76.value)) { clicks, name in
        ("\(name ?? "somebody"): \(clicks ?? 0)", (clicks ?? 0) > 3)
    }

    let choice77 = dcc.Dropdown.id("choice77"), chart77 = dcc.Graph.id("chart77")
    parts += [dcc.Dropdown(id: choice77, options: ["a", "b"], value: "a"), dcc.Graph(id: chart77)]
    app.callback(Output(chart77.figure), Input(choice77.value)) { choice in
        let height = choice == "a" ? 200 : 300
        return go.Figure(
            data: [go.Bar(x: ["x", "y"], y: [1, 77], name: choice)],
            layout: dict(title: dict(text: choice), height: height, margin: dict(t: 20, b: 40))
        )
    }

    let start78 = html.Button.id("start78"), stop78 = html.Button.id("stop78"), bar78 = html.Progress.id("bar78")
    parts += [html.Button("Start", id: start78), html.Button("Stop", id: stop78), html.Progress(id: bar78)]
    app.backgroundCallback(
        Output(start78.title),
        Input(start78.nClicks),
        running: [.set(start78.disabled, to: true, finally: false), .set(stop78.disabled, to: false, finally: true)],
        cancel: [Input(stop78.nClicks)],
        progress: Outputs(bar78.value, bar78.max),
        preventInitialCall: true
    ) { setProgress, clicks in
        for step in 1...5 {
            setProgress("\(step)", "5")
            try await Task.sleep(for: .milliseconds(100))
        }
        return "Clicked \(clicks ?? 0) times"
    }

    let word79 = dcc.Input.id("word79"), kind79 = dcc.RadioItems.id("kind79"), list79 = html.Ul.id("list79")
    parts += [dcc.Input(id: word79), dcc.RadioItems(id: kind79, options: ["b", "i"]), html.Ul(id: list79)]
    app.callback(Output(list79.children), Input(word79.value), Input(kind79.value)) { word, kind in
        (word ?? "").split(separator: " ").map { part in
            html.Li(kind == "b" ? html.B("\(part)") : html.I("\(part)"), className: "entry", style: ["margin": "2px"])
        }
    }
}

private func addCallbacks80(to app: DashApp, _ parts: inout [Element]) {
    let field80 = dcc.Input.id("field80"), text80 = html.P.id("text80")
    parts += [dcc.Input(id: field80, value: "80"), html.P(id: text80)]
    app.callback(Output(text80.children), Input(field80.value)) { text in "You said \(text ?? "nothing")" }

    let run81 = html.Button.id("run81"), name81 = dcc.Input.id("name81"), said81 = html.P.id("said81")
    parts += [html.Button("Say it", id: run81), dcc.Input(id: name81), html.P(id: said81)]
    app.callback(Outputs(said81.children, run81.disabled), Input(run81.nClicks), State(name81.value)) { clicks, name in
        ("\(name ?? "somebody"): \(clicks ?? 0)", (clicks ?? 0) > 3)
    }

    let choice82 = dcc.Dropdown.id("choice82"), chart82 = dcc.Graph.id("chart82")
    parts += [dcc.Dropdown(id: choice82, options: ["a", "b"], value: "a"), dcc.Graph(id: chart82)]
    app.callback(Output(chart82.figure), Input(choice82.value)) { choice in
        let height = choice == "a" ? 200 : 300
        return go.Figure(
            data: [go.Bar(x: ["x", "y"], y: [1, 82], name: choice)],
            layout: dict(title: dict(text: choice), height: height, margin: dict(t: 20, b: 40))
        )
    }

    let start83 = html.Button.id("start83"), stop83 = html.Button.id("stop83"), bar83 = html.Progress.id("bar83")
    parts += [html.Button("Start", id: start83), html.Button("Stop", id: stop83), html.Progress(id: bar83)]
    app.backgroundCallback(
        Output(start83.title),
        Input(start83.nClicks),
        running: [.set(start83.disabled, to: true, finally: false), .set(stop83.disabled, to: false, finally: true)],
        cancel: [Input(stop83.nClicks)],
        progress: Outputs(bar83.value, bar83.max),
        preventInitialCall: true
    ) { setProgress, clicks in
        for step in 1...5 {
            setProgress("\(step)", "5")
            try await Task.sleep(for: .milliseconds(100))
        }
        return "Clicked \(clicks ?? 0) times"
    }

    let word84 = dcc.Input.id("word84"), kind84 = dcc.RadioItems.id("kind84"), list84 = html.Ul.id("list84")
    parts += [dcc.Input(id: word84), dcc.RadioItems(id: kind84, options: ["b", "i"]), html.Ul(id: list84)]
    app.callback(Output(list84.children), Input(word84.value), Input(kind84.value)) { word, kind in
        (word ?? "").split(separator: " ").map { part in
            html.Li(kind == "b" ? html.B("\(part)") : html.I("\(part)"), className: "entry", style: ["margin": "2px"])
        }
    }

    let field85 = dcc.Input.id("field85"), text85 = html.P.id("text85")
    parts += [dcc.Input(id: field85, value: "85"), html.P(id: text85)]
    app.callback(Output(text85.children), Input(field85.value)) { text in "You said \(text ?? "nothing")" }

    let run86 = html.Button.id("run86"), name86 = dcc.Input.id("name86"), said86 = html.P.id("said86")
    parts += [html.Button("Say it", id: run86), dcc.Input(id: name86), html.P(id: said86)]
    app.callback(Outputs(said86.children, run86.disabled), Input(run86.nClicks), State(name86.value)) { clicks, name in
        ("\(name ?? "somebody"): \(clicks ?? 0)", (clicks ?? 0) > 3)
    }

    let choice87 = dcc.Dropdown.id("choice87"), chart87 = dcc.Graph.id("chart87")
    parts += [dcc.Dropdown(id: choice87, options: ["a", "b"], value: "a"), dcc.Graph(id: chart87)]
    app.callback(Output(chart87.figure), Input(choice87.value)) { choice in
        let height = choice == "a" ? 200 : 300
        return go.Figure(
            data: [go.Bar(x: ["x", "y"], y: [1, 87], name: choice)],
            layout: dict(title: dict(text: choice), height: height, margin: dict(t: 20, b: 40))
        )
    }

    let start88 = html.Button.id("start88"), stop88 = html.Button.id("stop88"), bar88 = html.Progress.id("bar88")
    parts += [html.Button("Start", id: start88), html.Button("Stop", id: stop88), html.Progress(id: bar88)]
    app.backgroundCallback(
        Output(start88.title),
        Input(start88.nClicks),
        running: [.set(start88.disabled, to: true, finally: false), .set(stop88.disabled, to: false, finally: true)],
        cancel: [Input(stop88.nClicks)],
        progress: Outputs(bar88.value, bar88.max),
        preventInitialCall: true
    ) { setProgress, clicks in
        for step in 1...5 {
            setProgress("\(step)", "5")
            try await Task.sleep(for: .milliseconds(100))
        }
        return "Clicked \(clicks ?? 0) times"
    }

    let word89 = dcc.Input.id("word89"), kind89 = dcc.RadioItems.id("kind89"), list89 = html.Ul.id("list89")
    parts += [dcc.Input(id: word89), dcc.RadioItems(id: kind89, options: ["b", "i"]), html.Ul(id: list89)]
    app.callback(Output(list89.children), Input(word89.value), Input(kind89.value)) { word, kind in
        (word ?? "").split(separator: " ").map { part in
            html.Li(kind == "b" ? html.B("\(part)") : html.I("\(part)"), className: "entry", style: ["margin": "2px"])
        }
    }
}

private func addCallbacks90(to app: DashApp, _ parts: inout [Element]) {
    let field90 = dcc.Input.id("field90"), text90 = html.P.id("text90")
    parts += [dcc.Input(id: field90, value: "90"), html.P(id: text90)]
    app.callback(Output(text90.children), Input(field90.value)) { text in "You said \(text ?? "nothing")" }

    let run91 = html.Button.id("run91"), name91 = dcc.Input.id("name91"), said91 = html.P.id("said91")
    parts += [html.Button("Say it", id: run91), dcc.Input(id: name91), html.P(id: said91)]
    app.callback(Outputs(said91.children, run91.disabled), Input(run91.nClicks), State(name91.value)) { clicks, name in
        ("\(name ?? "somebody"): \(clicks ?? 0)", (clicks ?? 0) > 3)
    }

    let choice92 = dcc.Dropdown.id("choice92"), chart92 = dcc.Graph.id("chart92")
    parts += [dcc.Dropdown(id: choice92, options: ["a", "b"], value: "a"), dcc.Graph(id: chart92)]
    app.callback(Output(chart92.figure), Input(choice92.value)) { choice in
        let height = choice == "a" ? 200 : 300
        return go.Figure(
            data: [go.Bar(x: ["x", "y"], y: [1, 92], name: choice)],
            layout: dict(title: dict(text: choice), height: height, margin: dict(t: 20, b: 40))
        )
    }

    let start93 = html.Button.id("start93"), stop93 = html.Button.id("stop93"), bar93 = html.Progress.id("bar93")
    parts += [html.Button("Start", id: start93), html.Button("Stop", id: stop93), html.Progress(id: bar93)]
    app.backgroundCallback(
        Output(start93.title),
        Input(start93.nClicks),
        running: [.set(start93.disabled, to: true, finally: false), .set(stop93.disabled, to: false, finally: true)],
        cancel: [Input(stop93.nClicks)],
        progress: Outputs(bar93.value, bar93.max),
        preventInitialCall: true
    ) { setProgress, clicks in
        for step in 1...5 {
            setProgress("\(step)", "5")
            try await Task.sleep(for: .milliseconds(100))
        }
        return "Clicked \(clicks ?? 0) times"
    }

    let word94 = dcc.Input.id("word94"), kind94 = dcc.RadioItems.id("kind94"), list94 = html.Ul.id("list94")
    parts += [dcc.Input(id: word94), dcc.RadioItems(id: kind94, options: ["b", "i"]), html.Ul(id: list94)]
    app.callback(Output(list94.children), Input(word94.value), Input(kind94.value)) { word, kind in
        (word ?? "").split(separator: " ").map { part in
            html.Li(kind == "b" ? html.B("\(part)") : html.I("\(part)"), className: "entry", style: ["margin": "2px"])
        }
    }

    let field95 = dcc.Input.id("field95"), text95 = html.P.id("text95")
    parts += [dcc.Input(id: field95, value: "95"), html.P(id: text95)]
    app.callback(Output(text95.children), Input(field95.value)) { text in "You said \(text ?? "nothing")" }

    let run96 = html.Button.id("run96"), name96 = dcc.Input.id("name96"), said96 = html.P.id("said96")
    parts += [html.Button("Say it", id: run96), dcc.Input(id: name96), html.P(id: said96)]
    app.callback(Outputs(said96.children, run96.disabled), Input(run96.nClicks), State(name96.value)) { clicks, name in
        ("\(name ?? "somebody"): \(clicks ?? 0)", (clicks ?? 0) > 3)
    }

    let choice97 = dcc.Dropdown.id("choice97"), chart97 = dcc.Graph.id("chart97")
    parts += [dcc.Dropdown(id: choice97, options: ["a", "b"], value: "a"), dcc.Graph(id: chart97)]
    app.callback(Output(chart97.figure), Input(choice97.value)) { choice in
        let height = choice == "a" ? 200 : 300
        return go.Figure(
            data: [go.Bar(x: ["x", "y"], y: [1, 97], name: choice)],
            layout: dict(title: dict(text: choice), height: height, margin: dict(t: 20, b: 40))
        )
    }

    let start98 = html.Button.id("start98"), stop98 = html.Button.id("stop98"), bar98 = html.Progress.id("bar98")
    parts += [html.Button("Start", id: start98), html.Button("Stop", id: stop98), html.Progress(id: bar98)]
    app.backgroundCallback(
        Output(start98.title),
        Input(start98.nClicks),
        running: [.set(start98.disabled, to: true, finally: false), .set(stop98.disabled, to: false, finally: true)],
        cancel: [Input(stop98.nClicks)],
        progress: Outputs(bar98.value, bar98.max),
        preventInitialCall: true
    ) { setProgress, clicks in
        for step in 1...5 {
            setProgress("\(step)", "5")
            try await Task.sleep(for: .milliseconds(100))
        }
        return "Clicked \(clicks ?? 0) times"
    }

    let word99 = dcc.Input.id("word99"), kind99 = dcc.RadioItems.id("kind99"), list99 = html.Ul.id("list99")
    parts += [dcc.Input(id: word99), dcc.RadioItems(id: kind99, options: ["b", "i"]), html.Ul(id: list99)]
    app.callback(Output(list99.children), Input(word99.value), Input(kind99.value)) { word, kind in
        (word ?? "").split(separator: " ").map { part in
            html.Li(kind == "b" ? html.B("\(part)") : html.I("\(part)"), className: "entry", style: ["margin": "2px"])
        }
    }
}
