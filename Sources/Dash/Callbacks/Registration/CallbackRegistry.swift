import DashJSON
import Synchronization

/// The callbacks of one app, in the order of registration.
final class CallbackRegistry: Sendable {
    private struct State {
        var callbacks: [Callback] = []
        var cancels: [Callback] = []
        var pages: [Callback] = []
        var places: [String: Callback] = [:]
    }

    private let state = Mutex(State())

    /// Adds a callback, and one for each of its cancel inputs that has none yet. Mistakes appear in ``findings``.
    func add(_ callback: Callback) {
        state.withLock { state in
            state.callbacks.append(callback)
            if state.places[callback.id] == nil { state.places[callback.id] = callback }
            for input in callback.background?.cancel ?? [] {
                let cancel = Callback.cancelling(on: input, location: callback.location)
                guard state.places[cancel.id] == nil else { continue }
                state.places[cancel.id] = cancel
                state.cancels.append(cancel)
            }
        }
    }

    func callback(for output: String) -> Callback? { state.withLock { $0.places[output] } }

    /// The registered callbacks, in order.
    var callbacks: [Callback] { state.withLock { $0.callbacks } }

    /// The callbacks created for cancel inputs, in order.
    var cancelCallbacks: [Callback] { state.withLock { $0.cancels } }

    /// The callbacks that show the app's pages; recreated with each page that is added.
    var pageCallbacks: [Callback] {
        get { state.withLock { $0.pages } }
        set {
            state.withLock { state in
                for callback in state.pages { state.places[callback.id] = nil }
                for callback in newValue { state.places[callback.id] = callback }
                state.pages = newValue
            }
        }
    }

    func backgroundCallback(named name: String) -> Callback? {
        callbacks.first { $0.name == name && $0.kind == .background }
    }
}

extension CallbackRegistry {
    /// The response to `_dash-dependencies` (docs/protocol.md, Layout and dependencies).
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
        // The browser's pause between two polls. Polls are held, so none is needed. See `BackgroundOptions.interval`.
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
