"""The measured pages in stock Dash on gunicorn: the examples of Dash with its disk cache manager."""

import os
import tempfile
import time
from uuid import uuid4

import diskcache
import flask
from dash import Dash, DiskcacheManager, Input, Output, dcc, html

server = flask.Flask(__name__)
server.secret_key = os.environ.get("STOCK_LAUNCH_ID", "measured")  # the same for all workers of gunicorn
# All workers of gunicorn share a folder and a launch id.
FOLDER = os.environ.get("STOCK_FOLDER") or tempfile.mkdtemp()
LAUNCH_ID = os.environ.get("STOCK_LAUNCH_ID") or str(uuid4())

PARAGRAPH = Output("paragraph_id", "children")
CLICKS = Input("button_id", "n_clicks")
CANCEL = {
    "running": [(Output("button_id", "disabled"), True, False), (Output("cancel_button_id", "disabled"), False, True)],
    "cancel": [Input("cancel_button_id", "n_clicks")],
}


def page(name, **manager):
    app = Dash(
        name,
        server=server,
        url_base_pathname=f"/{name}/",
        background_callback_manager=DiskcacheManager(diskcache.Cache(f"{FOLDER}/{name}"), **manager),
    )
    app.layout = html.Div([
        html.Div([html.P(id="paragraph_id", children=["Button not clicked"])]),
        html.Button(id="button_id", children="Run Job!"),
        html.Button(id="cancel_button_id", children="Cancel Running Job!"),
    ])
    return app


empty, cancel, caching = page("empty"), page("cancel"), page("caching", cache_by=[lambda: LAUNCH_ID], expire=60)


@empty.callback(PARAGRAPH, CLICKS, background=True, prevent_initial_call=True)
def do_nothing(clicks):
    return f"Clicked {clicks} times"


@cancel.callback(PARAGRAPH, CLICKS, background=True, **CANCEL)
def sleep(clicks):
    time.sleep(2)
    return f"Clicked {clicks or 0} times"


@caching.callback([PARAGRAPH, Output("button_id", "n_clicks")], CLICKS, background=True, **CANCEL)
def sleep_once(clicks):
    time.sleep(2)
    return f"Clicked {clicks or 0} times", (clicks or 0) % 4


echo = Dash("echo", server=server, url_base_pathname="/echo/")
echo.layout = html.Div([dcc.Input(id="input_id", type="text", value=""), html.Div(id="output_id")])


@echo.callback(Output("output_id", "children"), Input("input_id", "value"))
def say(value):
    return f"You said {value}"


@server.get("/_health")
def health():
    return "OK"
