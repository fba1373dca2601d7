#!/usr/bin/env python3
"""Writes LargeApp/Callbacks.swift: an app of 100 callbacks of five kinds, as somebody would write them by hand.

`--check` only compares.
"""

import sys
from pathlib import Path

COUNT, EACH = 100, 10

KINDS = [
    """\
    let field{n} = dcc.Input.id("field{n}"), text{n} = html.P.id("text{n}")
    parts += [dcc.Input(id: field{n}, value: "{n}"), html.P(id: text{n})]
    app.callback(Output(text{n}.children), Input(field{n}.value)) {{ text in "You said \\(text ?? "nothing")" }}
""",
    """\
    let run{n} = html.Button.id("run{n}"), name{n} = dcc.Input.id("name{n}"), said{n} = html.P.id("said{n}")
    parts += [html.Button("Say it", id: run{n}), dcc.Input(id: name{n}), html.P(id: said{n})]
    app.callback(Outputs(said{n}.children, run{n}.disabled), Input(run{n}.nClicks), State(name{n}.value)) {{ clicks, name in
        ("\\(name ?? "somebody"): \\(clicks ?? 0)", (clicks ?? 0) > 3)
    }}
""",
    """\
    let choice{n} = dcc.Dropdown.id("choice{n}"), chart{n} = dcc.Graph.id("chart{n}")
    parts += [dcc.Dropdown(id: choice{n}, options: ["a", "b"], value: "a"), dcc.Graph(id: chart{n})]
    app.callback(Output(chart{n}.figure), Input(choice{n}.value)) {{ choice in
        let height = choice == "a" ? 200 : 300
        return go.Figure(
            data: [go.Bar(x: ["x", "y"], y: [1, {n}], name: choice)],
            layout: dict(title: dict(text: choice), height: height, margin: dict(t: 20, b: 40))
        )
    }}
""",
    """\
    let start{n} = html.Button.id("start{n}"), stop{n} = html.Button.id("stop{n}"), bar{n} = html.Progress.id("bar{n}")
    parts += [html.Button("Start", id: start{n}), html.Button("Stop", id: stop{n}), html.Progress(id: bar{n})]
    app.backgroundCallback(
        Output(start{n}.title),
        Input(start{n}.nClicks),
        running: [.set(start{n}.disabled, to: true, finally: false), .set(stop{n}.disabled, to: false, finally: true)],
        cancel: [Input(stop{n}.nClicks)],
        progress: Outputs(bar{n}.value, bar{n}.max),
        preventInitialCall: true
    ) {{ setProgress, clicks in
        for step in 1...5 {{
            setProgress("\\(step)", "5")
            try await Task.sleep(for: .milliseconds(100))
        }}
        return "Clicked \\(clicks ?? 0) times"
    }}
""",
    """\
    let word{n} = dcc.Input.id("word{n}"), kind{n} = dcc.RadioItems.id("kind{n}"), list{n} = html.Ul.id("list{n}")
    parts += [dcc.Input(id: word{n}), dcc.RadioItems(id: kind{n}, options: ["b", "i"]), html.Ul(id: list{n})]
    app.callback(Output(list{n}.children), Input(word{n}.value), Input(kind{n}.value)) {{ word, kind in
        (word ?? "").split(separator: " ").map {{ part in
            html.Li(kind == "b" ? html.B("\\(part)") : html.I("\\(part)"), className: "entry", style: ["margin": "2px"])
        }}
    }}
""",
]


def function(first):
    callbacks = "\n".join(KINDS[n % len(KINDS)].format(n=n) for n in range(first, first + EACH))
    return (f"private func addCallbacks{first}(to app: DashApp, _ parts: inout [Element]) {{\n{callbacks}}}\n")


def main():
    firsts = range(0, COUNT, EACH)
    calls = "\n".join(f"    addCallbacks{first}(to: app, &parts)" for first in firsts)
    text = f"""\
// Written by Benchmarks/make_large_app.py; do not edit.

import Dash

/// An app of {COUNT} callbacks.
func manyCallbacks() -> DashApp {{
    let app = DashApp()
    var parts: [Element] = []
{calls}
    app.layout = html.Div(parts)
    return app
}}

""" + "\n".join(map(function, firsts))
    target = Path(__file__).with_name("LargeApp") / "Callbacks.swift"
    if "--check" not in sys.argv:
        target.write_text(text)
    elif target.read_text() != text:
        sys.exit(f"{target} is out of date: run {__file__}")


main()
