// Declarations that the samples of doc comments and of docs/*.md use; see scripts/check-samples.
import Dash
import JobsCelery
import JobsRabbitMQ
import Logging

let app = DashApp(), site = DashSite(), logger = Logger(label: "samples")
let run = html.Button.id("run"), stop = html.Button.id("stop"), bar = html.Progress.id("bar")
let heading = html.H1.id("heading"), text = html.P.id("text"), loud = html.P.id("loud"), area = html.P.id("area")
let greeting = html.P.id("greeting"), note = html.P.id("note"), greet = html.Button.id("greet")
let add = html.Button.id("add"), save = html.Button.id("save")
let upload = dcc.Upload.id("upload"), download = dcc.Download.id("download"), store = dcc.Store.id("store")
let name = dcc.Input.id("name"), x = dcc.Input.id("x"), y = dcc.Input.id("y"), zoom = dcc.Slider.id("zoom")
let unitChoice = dcc.Dropdown.id("unit"), city = dcc.Dropdown.id("city"), month = dcc.Dropdown.id("month")
let number = dcc.Input.id("number"), unit = dcc.Dropdown.id("unit")
let chart = dcc.Graph.id("chart"), table = dashTable.DataTable.id("table")
func reports() -> DashApp { DashApp() }
func imports() -> DashApp { DashApp() }
