import DashJSON
import Synchronization
import Testing

@testable import Dash

/// Components used by the tests.
let paragraph = html.P.id("paragraph_id")
let title = html.H1.id("title")
let run = html.Button.id("button_id")
let stop = html.Button.id("cancel_button_id")
let bar = html.Progress.id("progress_bar")
let chart = dcc.Graph.id("progress_bar_graph")

/// Parses JSON in a test.
func parse(_ text: String, sourceLocation: Testing.SourceLocation = #_sourceLocation) throws -> JSON {
    try #require(try? JSON(parsing: text), "invalid JSON: \(text)", sourceLocation: sourceLocation)
}

extension DashApp {
    /// The only registered callback.
    var onlyCallback: Callback {
        get throws {
            try #require(registry.callbacks.count == 1)
            return registry.callbacks[0]
        }
    }

    /// Runs the callback of a request and returns the response; `null` after `PreventUpdate`.
    func reply(_ body: JSON) async throws -> JSON {
        let callback = try #require(registry.callback(for: body["output"].stringValue ?? ""))
        let request = try CallbackRequest(decoding: body, for: callback)
        let sent = SentValues()
        let context = request.context(page: PageRequest(), owner: "somebody", emit: sent.collect)
        var outcome: CallbackOutcome
        do {
            outcome = try await callback.run(in: context)
        } catch {
            guard let handled = try await callback.recover(from: CallbackFailure(error), in: context) else {
                throw error
            }
            outcome = handled
        }
        guard case .updates(let updates) = outcome else { return .null }
        let values = try updates.resolved(for: callback, targets: request.targets)
        return try JSON(parsing: CallbackResponse(response: values, sideUpdate: sent.properties).bytes)
    }
}

/// Collects what a callback sends while it runs.
final class SentValues: Sendable {
    private let events = Mutex<[CallbackContext.Event]>([])

    func collect(_ event: CallbackContext.Event) { events.withLock { $0.append(event) } }

    /// The properties set, in order.
    var properties: [PropertyUpdate] {
        events.withLock { $0 }.flatMap { event -> [PropertyUpdate] in
            if case .setProps(let updates) = event { updates } else { [] }
        }
    }

    /// The values of each call of a progress setter.
    var progress: [[PropertyUpdate]] {
        events.withLock { $0 }.compactMap { event -> [PropertyUpdate]? in
            if case .progress(let updates) = event { updates } else { nil }
        }
    }
}

/// The request after a click on `button_id` for a callback with one output.
func click(_ count: JSON = 1, output: String = "paragraph_id.children") throws -> JSON {
    let ref = try #require(PropertyRef(text: output))
    return [
        "output": .string(output),
        "outputs": ["id": ref.id.json, "property": .string(ref.property)],
        "inputs": [["id": "button_id", "property": "n_clicks", "value": count]],
        "changedPropIds": ["button_id.n_clicks"],
        "parsedChangedPropsIds": ["button_id.n_clicks"],
    ]
}

/// A context for tests.
func makeContext(
    _ request: CallbackContext.RequestPart = .whole(PageRequest(), owner: "somebody"),
    arguments: [JSON] = [],
    emit: @escaping @Sendable (CallbackContext.Event) -> Void = { _ in }
) -> CallbackContext {
    let bindings = arguments.map { value in
        CallbackContext.Binding(
            isState: false,
            isList: false,
            members: [CallbackContext.Property(id: "button_id", property: "n_clicks", value: value)]
        )
    }
    return CallbackContext(triggered: [], bindings: bindings, request: request, emit: emit)
}
