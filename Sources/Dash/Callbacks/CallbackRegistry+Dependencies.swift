import DashJSON

extension CallbackRegistry {
    /// The answer to `_dash-dependencies` (dash-protocol §5).
    func dependencies() -> JSON {
        .array((callbacks + cancelCallbacks + pageCallbacks).map(\.dependency))
    }
}

extension Callback {
    /// The callback's entry in the dependencies, with its members in Dash's order.
    var dependency: JSON {
        var entry = JSONObject()
        entry.append("output", .string(id))
        entry.append("inputs", .array(slots.filter { !$0.isState }.map(\.dependency)))
        entry.append("state", .array(slots.filter(\.isState).map(\.dependency)))
        entry.append("clientside_function", clientside?.json ?? .null)
        entry.append("prevent_initial_call", .bool(preventInitialCall == .yes))
        // The browser's pause between two polls: polls are held, so there is none. See `BackgroundOptions.interval`.
        entry.append("background", background == nil ? .null : ["interval": 0])
        entry.append("dynamic_creator", kind == .clientside ? false : .null)
        entry.append("no_output", .bool(wireOutputs.isEmpty))
        entry.append("optional", .bool(isOptional))
        entry.append("hidden", isHidden.map(JSON.bool) ?? .null)
        entry.append("websocket", false)
        entry.append("persistent", false)
        if !running.isEmpty { entry.append("running", runningValues) }
        return .object(entry)
    }

    private var runningValues: JSON {
        var on = JSONObject(), off = JSONObject()
        for item in running {
            on[item.ref.text] = item.on.json
            off[item.ref.text] = item.off.json
        }
        return ["running": .object(on), "runningOff": .object(off)]
    }
}

extension Slot {
    fileprivate var dependency: JSON {
        var entry = JSONObject()
        entry.append("id", .string(ref.id.text))
        entry.append("property", .string(ref.property))
        if isOptional { entry.append("allow_optional", true) }
        return .object(entry)
    }
}
