import DashJSON

@testable import Dash

extension ConformanceApp {
    private static let operations = [
        "assign", "assign_nested", "negative_index", "delete", "append", "prepend", "insert", "insert_negative",
        "extend", "extend_root", "remove", "clear", "reverse", "merge", "merge_operator", "add", "sub", "mul", "div",
        "add_list", "several", "empty", "component",
    ]

    static func patches() -> DashApp {
        let store = dcc.Store.id("store"), kids = html.Div.id("kids"), push = html.Button.id("push")
        let app = DashApp()
        let data: JSON = ["list": [1, 2, 3], "dict": ["a": 1, "b": ["c": [0, 1]]], "n": 10]
        app.layout = html.Div([
            dcc.Dropdown(id: "op", options: operations), dcc.Store(id: store, data: data),
            html.Div([html.Div("x")], id: kids),
            html.Button("push", id: push),
        ])
        app.callback(Output(store.data).patched, Input("op", "value"), preventInitialCall: true) { (name: String) in
            var patch = Patch()
            changeList(name, &patch)
            changeMembers(name, &patch)
            return patch
        }
        app.callback(Output(kids.children).patched, Input(push.nClicks), preventInitialCall: true) { n in
            var children = Patch(), side = Patch()
            children.append(html.Div("row \(n ?? 0)", id: "row-\(n ?? 0)"))
            side["n"] += n ?? 0
            setProps(store.data, side)
            return children
        }
        return app
    }

    private static func changeList(_ name: String, _ patch: inout Patch) {
        switch name {
        case "negative_index": patch["list"][-1] = 99
        case "append": patch["list"].append(4)
        case "prepend": patch["list"].prepend(0)
        case "insert": patch["list"].insert("one and a half", at: 1)
        case "insert_negative": patch["list"].insert("before last", at: -1)
        case "extend": patch["list"].extend([4, 5])
        case "extend_root": patch.extend([4, 5])
        case "remove": patch["list"].remove(2)
        case "clear": patch["list"].clear()
        case "reverse": patch["list"].reverse()
        case "add_list": patch["list"] += [7]
        default: break
        }
    }

    private static func changeMembers(_ name: String, _ patch: inout Patch) {
        switch name {
        case "assign": patch["n"] = 11
        case "assign_nested": patch.dict.b.c[1] = "deep"
        case "delete": patch["dict"]["a"].delete()
        case "merge": patch["dict"].merge(["z": 26, "y": 25])
        case "merge_operator": patch["dict"].merge(["q": 17])
        case "add": patch["n"] += 1
        case "sub": patch["n"] -= 1
        case "mul": patch["n"] *= 2
        case "div": patch["n"] /= 4
        case "several":
            patch["n"] = 1
            patch["list"].append(2)
            patch["dict"]["b"]["c"].clear()
        case "component": patch["child"] = html.B("in a patch")
        default: break
        }
    }
}
