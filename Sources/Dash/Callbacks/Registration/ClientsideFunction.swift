import Crypto
import DashJSON
import Support

/// A function that runs in the browser in place of a callback on the server.
///
/// Written as a text it is the source itself: `"function (n) { return n + 1; }"`. By names it is a member of
/// `window.dash_clientside` that a script of the assets folder has set.
public struct ClientsideFunction: Sendable, Hashable, ExpressibleByStringInterpolation {
    /// The object in `window.dash_clientside`.
    let namespace: String
    /// The function's name there.
    let name: String
    /// The source, for a function that is written in the app.
    let source: String?

    /// The namespace of functions that are written in the app, as stock Dash calls it.
    static let inlineNamespace = "_dashprivate_clientside_funcs"

    /// A function that a script of the assets has put into `window.dash_clientside[namespace][name]`.
    public init(namespace: String, name: String) {
        self.namespace = namespace
        self.name = name
        source = nil
    }

    /// A function by its source in JavaScript.
    public init(source: String) {
        namespace = Self.inlineNamespace
        self.source = source
        name = Hexadecimal.text(SHA256.hash(data: Array(source.utf8)))
    }

    /// A function by its source in JavaScript.
    public init(stringLiteral value: String) { self.init(source: value) }

    /// The entry of the dependencies.
    var json: JSON { ["namespace": .string(namespace), "function_name": .string(name)] }

    /// What is wrong with the names; `nil` if nothing is.
    var problem: String? {
        if let source {
            let isEmpty = source.allSatisfy(\.isWhitespace)
            return isEmpty ? "The source of a callback in the browser is empty: write a function." : nil
        }
        if namespace.isEmpty || name.isEmpty { return "A function in the browser needs a namespace and a name." }
        if namespace.hasPrefix("_dashprivate_") || ["PreventUpdate", "no_update"].contains(namespace) {
            return "The namespace “\(namespace)” is the renderer's own: put the function into another one."
        }
        if ["PreventUpdate", "no_update"].contains(name) {
            return "The name “\(name)” is the renderer's own: give the function another one."
        }
        return nil
    }
}

extension DashApp {
    /// Registers a callback that runs in the browser, without a request to the server.
    ///
    /// ```swift
    /// app.clientsideCallback(
    ///     "function (text) { return text.toUpperCase(); }",
    ///     Output(loud.children), Input(name.value)
    /// )
    /// app.clientsideCallback(ClientsideFunction(namespace: "charts", name: "zoom"), Output(chart.figure), Input(zoom.value))
    /// ```
    ///
    /// The function gets the values of the inputs and states in their order, and returns the output's value, or a list of
    /// them for ``Outputs``; a promise is awaited. `window.dash_clientside` has `no_update`, `PreventUpdate`, `set_props`,
    /// `callback_context` and `Patch` for it.
    ///
    /// - Parameters:
    ///   - function: The source, or the name of a function in the assets.
    ///   - output: What the function's result is written to.
    ///   - inputs: What it reads: an ``Input`` or a ``State`` each.
    ///   - preventInitialCall: Whether it runs only when an input changes after the components have appeared; nil is what
    ///     the app says.
    ///   - optional: Whether its components may be missing in the layout.
    ///   - hidden: Whether the developer's tools leave it out.
    ///   - name: A name that tells it from callbacks with the same inputs and outputs.
    ///   - file: Where it is declared, for messages.
    ///   - line: Where it is declared, for messages.
    public func clientsideCallback<O: OutputSet>(
        _ function: ClientsideFunction,
        _ output: O,
        _ inputs: any Dependency...,
        preventInitialCall: PreventInitialCall? = nil,
        optional: Bool = false,
        hidden: Bool = false,
        name: String? = nil,
        file: StaticString = #fileID,
        line: UInt = #line
    ) {
        var registration = Registration(
            running: [],
            preventInitialCall: preventInitialCall,
            name: name,
            location: SourceLocation(file: file, line: line)
        )
        registration.optional = optional
        registration.hidden = hidden
        registration.clientside = function
        register(output, inputs: inputs.map(\.slots), types: [], onError: nil, registration) { _, _ in
            throw DashError(.invalidRequest, "A callback of the browser does not run here.")
        }
    }
}
