"""LargeApp in stock Dash: 100 callbacks, or 10,000 components built once or per page load."""

import os
import tempfile
import time

import diskcache
import flask
from dash import Dash, DiskcacheManager, Input, Output, State, dcc, html

server = flask.Flask(__name__)
server.secret_key = "measured"
FOLDER = os.environ.get("STOCK_FOLDER") or tempfile.mkdtemp()

callbacks = Dash("callbacks", server=server, url_base_pathname="/callbacks/",
                 background_callback_manager=DiskcacheManager(diskcache.Cache(f"{FOLDER}/large")))
parts = []


def say(n):
    parts.extend([dcc.Input(id=f"field{n}", value=str(n)), html.P(id=f"text{n}")])

    @callbacks.callback(Output(f"text{n}", "children"), Input(f"field{n}", "value"))
    def _(text):
        return f"You said {text}"


def click(n):
    parts.extend([html.Button("Say it", id=f"run{n}"), dcc.Input(id=f"name{n}"), html.P(id=f"said{n}")])

    @callbacks.callback(Output(f"said{n}", "children"), Output(f"run{n}", "disabled"),
                        Input(f"run{n}", "n_clicks"), State(f"name{n}", "value"))
    def _(clicks, name):
        return f"{name}: {clicks or 0}", (clicks or 0) > 3


def draw(n):
    parts.extend([dcc.Dropdown(["a", "b"], "a", id=f"choice{n}"), dcc.Graph(id=f"chart{n}")])

    @callbacks.callback(Output(f"chart{n}", "figure"), Input(f"choice{n}", "value"))
    def _(choice):
        return {"data": [{"type": "bar", "x": ["x", "y"], "y": [1, n]}], "layout": {"title": {"text": choice}}}


def work(n):
    parts.extend([html.Button("Start", id=f"start{n}"), html.Button("Stop", id=f"stop{n}"), html.Progress(id=f"bar{n}")])

    @callbacks.callback(
        Output(f"start{n}", "title"), Input(f"start{n}", "n_clicks"), background=True, prevent_initial_call=True,
        running=[(Output(f"start{n}", "disabled"), True, False), (Output(f"stop{n}", "disabled"), False, True)],
        cancel=[Input(f"stop{n}", "n_clicks")], progress=[Output(f"bar{n}", "value"), Output(f"bar{n}", "max")])
    def _(set_progress, clicks):
        for step in range(1, 6):
            set_progress((str(step), "5"))
            time.sleep(0.1)
        return f"Clicked {clicks} times"


def listed(n):
    parts.extend([dcc.Input(id=f"word{n}"), dcc.RadioItems(["b", "i"], id=f"kind{n}"), html.Ul(id=f"list{n}")])

    @callbacks.callback(Output(f"list{n}", "children"), Input(f"word{n}", "value"), Input(f"kind{n}", "value"))
    def _(word, kind):
        return [html.Li(html.B(part) if kind == "b" else html.I(part)) for part in (word or "").split()]


def ten_thousand_components():
    return html.Div([
        html.Div([
            html.Label(f"Row {row}", id=f"label{row}"),
            dcc.Input(id=f"input{row}", type="text", value=f"value {row}", debounce=True),
            html.Button("Save", id=f"save{row}", className="small", style={"marginLeft": "4px"}, n_clicks=0),
        ], id=f"row{row}", className="row")
        for row in range(2500)
    ])


if os.environ.get("LARGE_APP_PART") == "layouts":
    once = Dash("once", server=server, url_base_pathname="/layout/")
    once.layout = ten_thousand_components()
    each = Dash("each", server=server, url_base_pathname="/layout-of-each-load/")
    each.layout = ten_thousand_components
else:
    for number in range(100):
        [say, click, draw, work, listed][number % 5](number)
    callbacks.layout = html.Div(parts)


@server.get("/_health")
def health():
    return "OK"
