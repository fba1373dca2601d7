import DashJSON

/// The intended differences from stock Dash, with reasons. `docs/conformance.md` has the same list.
enum Allowed {
    /// One exchange with another response.
    struct Exchange: Sendable {
        let recording: String
        let line: Int
        /// Our status.
        let status: Int
        /// Our body, if it is compared, too.
        var body: JSON?
        let reason: String
    }

    static let exchanges: [Exchange] = [
        Exchange(
            recording: "single_output",
            line: 8,
            status: 200,
            body: ["reloadHash": nil, "hard": false, "packages": [], "files": []],
            reason: "the renderer ignores the packages while hot reload is off"
        ),
        Exchange(
            recording: "single_output",
            line: 14,
            status: 404,
            reason: "a missing file is not a server error"
        ),
        Exchange(
            recording: "single_output",
            line: 15,
            status: 404,
            reason: "a missing package is not a server error"
        ),
        Exchange(
            recording: "index_options",
            line: 6,
            status: 200,
            reason: "icons have the type image/x-icon, as in the page's link; browsers accept both"
        ),
        Exchange(
            recording: "index_options",
            line: 8,
            status: 200,
            reason: "a proxy may strip the prefix or keep it, so both paths are served"
        ),
        Exchange(
            recording: "errors",
            line: 21,
            status: 422,
            reason: "the renderer does not show errors of status 400 (defect 19)"
        ),
        Exchange(
            recording: "background_full",
            line: 7,
            status: 200,
            body: ["multi": true, "response": ["out": ["children": "run 1 for nobody"]]],
            reason: "a result is kept for a time, so that a lost response can be repeated"
        ),
        Exchange(
            recording: "background_restart",
            line: 6,
            status: 403,
            reason: "a handle of another page is rejected; 204 would end polling without an error (defect 6)"
        ),
        Exchange(
            recording: "background_restart",
            line: 7,
            status: 403,
            reason: "a forged handle is rejected; 204 would end polling without an error (defect 6)"
        ),
        Exchange(
            recording: "background_restart",
            line: 13,
            status: 200,
            body: ["response": ["out": ["children": "finished 3"]]],
            reason: "users with equal inputs have separate jobs (defect 1)"
        ),
        Exchange(
            recording: "background_error",
            line: 4,
            status: 200,
            body: ["response": ["b": ["children": "error Broken: broken 1"]]],
            reason: "an error keeps its type and message; stock Dash adds its own prefix"
        ),
        Exchange(
            recording: "background_error",
            line: 6,
            status: 200,
            body: ["sideUpdate": ["errors": ["children": "Broken"]], "response": [:]],
            reason: "an error keeps its type and message; stock Dash adds its own prefix"
        ),
    ]

    /// Members of the page's configuration with another value.
    static let configuration: [String: String] = [
        "url_base_pathname": "the renderer prefers `requests_pathname_prefix`, which has the same value",
        "disable_version_check": "pages do not query other hosts for the latest version of Dash",
        "python_version": "the server does not run Python",
        "dash_version_url": "pages do not query other hosts for the latest version of Dash",
        "end_id": "differs for each page load",
        "websocket": "WebSockets are not supported; without this member the renderer uses HTTP",
        "plotly_cloud_installed": "hides a button that publishes the app with a Python package",
    ]

    /// Removes differences between bodies that do not matter to the renderer.
    ///
    /// - `children: null` of a component: only stock Dash writes it for html components without children.
    /// - A dot in a key that is a pattern id: we write `\u002e`, as a plain dot blanks the page (defect 14).
    /// - The reload hash: only its presence matters.
    /// - Python's type names and representations of values.
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

    /// Removes differences between dependencies that do not matter to the renderer.
    ///
    /// - Hashes in `output`, which only distinguish callbacks: ours also distinguish those that stock Dash confuses
    ///   (defect 13).
    /// - The interval of a background callback: polls are held, so it is 0.
    /// - The hash of the function that sets a page's title: the function is our own.
    /// - The hash in the output of a callback for a cancel input (defect 12).
    static func normalizedDependency(_ json: JSON) -> JSON {
        var entry = json
        entry["output"] = .string(withoutHashes(json["output"].stringValue ?? ""))
        if !json["background"].isNull { entry["background"] = ["interval": 0] }
        // The callbacks that use the WebSocket in stock Dash.
        (entry["websocket"], entry["persistent"]) = (false, false)
        if json["output"] == "_pages_dummy.children" { entry["clientside_function"]["function_name"] = "#" }
        return entry
    }

    private static func withoutHashes(_ output: String) -> String {
        let text = output.replacing(/[0-9a-f]{32,64}|\{\{callsite_hash\}\}/, with: "#")
        return text.replacing(/^(\w+\.id)@#$/) { $0.1 }
    }
}
