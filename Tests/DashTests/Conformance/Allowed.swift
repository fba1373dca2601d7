import DashJSON

/// Where we answer otherwise than stock Dash on purpose; each with its reason. `docs/conformance.md` shows the same list.
enum Allowed {
    /// One exchange with another answer.
    struct Exchange: Sendable {
        let recording: String
        let line: Int
        /// Our status.
        let status: Int
        /// Our body, where the status does not say it all.
        var body: JSON?
        let reason: String
    }

    static let exchanges: [Exchange] = [
        Exchange(
            recording: "single_output",
            line: 8,
            status: 200,
            body: ["reloadHash": nil, "hard": false, "packages": [], "files": []],
            reason: "while hot reload is off nobody reads the packages"
        ),
        Exchange(
            recording: "single_output",
            line: 14,
            status: 404,
            reason: "a file that is not there is no failure of the server"
        ),
        Exchange(
            recording: "single_output",
            line: 15,
            status: 404,
            reason: "a package that is not there is no failure of the server"
        ),
        Exchange(
            recording: "index_options",
            line: 6,
            status: 200,
            reason: "the type of an icon is image/x-icon here as in the page's link to it; browsers take both"
        ),
        Exchange(
            recording: "index_options",
            line: 8,
            status: 200,
            reason: "a proxy may strip the prefix or not, so both are served"
        ),
        Exchange(
            recording: "errors",
            line: 21,
            status: 422,
            reason: "the renderer shows nothing for 400 (defect 19)"
        ),
        Exchange(
            recording: "background_full",
            line: 7,
            status: 200,
            body: ["multi": true, "response": ["out": ["children": "run 1 for nobody"]]],
            reason: "a result is kept for a time: an answer that was lost is given again"
        ),
        Exchange(
            recording: "background_restart",
            line: 6,
            status: 403,
            reason: "a handle of another page is refused; 204 would end the page's loop as if all were well (defect 6)"
        ),
        Exchange(
            recording: "background_restart",
            line: 7,
            status: 403,
            reason: "a forged handle is refused; 204 would end the page's loop as if all were well (defect 6)"
        ),
        Exchange(
            recording: "background_restart",
            line: 13,
            status: 200,
            body: ["response": ["out": ["children": "finished 3"]]],
            reason: "two users with the same inputs have a job each (defect 1)"
        ),
        Exchange(
            recording: "background_error",
            line: 4,
            status: 200,
            body: ["response": ["b": ["children": "error Broken: broken 1"]]],
            reason: "an error keeps its own type and words, where stock Dash puts its own before them"
        ),
        Exchange(
            recording: "background_error",
            line: 6,
            status: 200,
            body: ["sideUpdate": ["errors": ["children": "Broken"]], "response": [:]],
            reason: "an error keeps its own type and words, where stock Dash puts its own before them"
        ),
    ]

    /// Members of the page's configuration with another value.
    static let configuration: [String: String] = [
        "url_base_pathname": "the next member says the same, and the renderer prefers it",
        "disable_version_check": "a page of ours asks no other host for news of Dash",
        "python_version": "there is no Python",
        "dash_version_url": "a page of ours asks no other host for news of Dash",
        "end_id": "made anew for each page load",
        "websocket": "no WebSocket is offered: without this member pages call back over HTTP",
        "plotly_cloud_installed": "hides a button that offers to publish the app by a Python package",
    ]

    /// What is equal for the renderer, and left out before bodies are compared.
    ///
    /// - `children: null` of a component: stock Dash writes it for html components without children, we do not.
    /// - A dot in a key that is the text of a pattern id: we write `\u002e`, as a plain one blanks the page (defect 14).
    /// - The name that a state of the assets has; only that it has one counts.
    /// - Python's own names of types and texts of values, beside the value.
    static func normalized(_ json: JSON) -> JSON {
        switch json {
        case .array(let items):
            return .array(items.map(normalized))
        case .object(let object):
            if Set(object.map(\.key)) == ["type", "repr", "value"] {
                return ["value": normalized(object["value"] ?? .null)]
            }
            let isProps = object["props"]?.objectValue != nil && object["type"] != nil && object["namespace"] != nil
            var result = JSONObject()
            for (key, value) in object {
                var value = value
                if isProps, key == "props", var props = value.objectValue, props["children"] == .null {
                    props["children"] = nil
                    value = .object(props)
                }
                if key == "reloadHash", value.stringValue != nil { value = "{{reloadHash}}" }
                result[key.hasPrefix("{") ? key.replacing("\\u002e", with: ".") : key] = normalized(value)
            }
            return .object(result)
        default:
            return json
        }
    }

    /// What is equal for the renderer, and left out before dependencies are compared.
    ///
    /// - Hashes in `output`, which only tell callbacks apart: ours also tell apart what stock Dash mixes up (defect 13).
    /// - The interval of a background callback: polls are held, so it is 0.
    /// - The hash of the function that sets the title of a page: it is our own function.
    /// - The output of a callback made for a cancel input has such a hash too (defect 12).
    static func normalizedDependency(_ json: JSON) -> JSON {
        var entry = json
        entry["output"] = .string(withoutHashes(json["output"].stringValue ?? ""))
        if !json["background"].isNull { entry["background"] = ["interval": 0] }
        // Which callbacks would take the WebSocket, were there one.
        (entry["websocket"], entry["persistent"]) = (false, false)
        if json["output"] == "_pages_dummy.children" { entry["clientside_function"]["function_name"] = "#" }
        return entry
    }

    private static func withoutHashes(_ output: String) -> String {
        let text = output.replacing(/[0-9a-f]{32,64}|\{\{callsite_hash\}\}/, with: "#")
        return text.replacing(/^(\w+\.id)@#$/) { $0.1 }
    }
}
