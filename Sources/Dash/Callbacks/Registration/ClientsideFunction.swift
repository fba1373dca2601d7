import Crypto
import DashJSON
import Support

/// A JavaScript function that runs in the browser in place of a callback on the server.
///
/// A string literal is its source: `"function (n) { return n + 1; }"`. A namespace and a name refer to a member of
/// `window.dash_clientside` set by a script in the assets folder.
public struct ClientsideFunction: Sendable, Hashable, ExpressibleByStringInterpolation {
    /// The object in `window.dash_clientside`.
    let namespace: String
    /// The function's name in the namespace.
    let name: String
    /// The source, for a function that is written in the app.
    let source: String?

    /// Dash's namespace for functions whose source is part of the app.
    static let inlineNamespace = "_dashprivate_clientside_funcs"

    /// Creates a reference to `window.dash_clientside[namespace][name]`, set by a script of the assets.
    public init(namespace: String, name: String) {
        self.namespace = namespace
        self.name = name
        source = nil
    }

    /// Creates a function from its JavaScript source.
    public init(source: String) {
        namespace = Self.inlineNamespace
        self.source = source
        name = Hexadecimal.text(SHA256.hash(data: Array(source.utf8)))
    }

    /// Creates a function from its JavaScript source.
    public init(stringLiteral value: String) { self.init(source: value) }

    /// The entry in the dependencies.
    var json: JSON { ["namespace": .string(namespace), "function_name": .string(name)] }

    /// An error message for invalid names or an empty source.
    var problem: String? {
        if let source {
            let isEmpty = source.allSatisfy(\.isWhitespace)
            return isEmpty ? "The source of a clientside callback is empty. Use a JavaScript function." : nil
        }
        if namespace.isEmpty || name.isEmpty { return "A clientside function needs a namespace and a name." }
        if namespace.hasPrefix("_dashprivate_") || ["PreventUpdate", "no_update"].contains(namespace) {
            return "The namespace “\(namespace)” is reserved for the renderer. Use another one."
        }
        if ["PreventUpdate", "no_update"].contains(name) {
            return "The name “\(name)” is reserved for the renderer. Use another one."
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
    /// app.clientsideCallback(
    ///     ClientsideFunction(namespace: "charts", name: "zoom"),
    ///     Output(chart.figure), Input(zoom.value)
    /// )
    /// ```
    ///
    /// The function receives the values of the inputs and states in order, and returns the output's value, or a list of
    /// values for ``Outputs``; a promise is awaited. `window.dash_clientside` provides `no_update`, `PreventUpdate`,
    /// `set_props`, `callback_context` and `Patch`.
    ///
    /// - Parameters:
    ///   - function: The source, or a reference to a function in the assets.
    ///   - output: The outputs for the function's result.
    ///   - inputs: The arguments: ``Input`` and ``State`` values.
    ///   - preventInitialCall: Whether it runs only after an input has changed; nil uses the app's default.
    ///   - optional: Whether its components may be missing from the layout.
    ///   - hidden: Whether the developer tools omit it.
    ///   - name: A name that distinguishes it from callbacks with the same inputs and outputs.
    ///   - file: The file of the declaration, for messages.
    ///   - line: The line of the declaration, for messages.
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
            throw DashError(.invalidRequest, "A clientside callback does not run on the server.")
        }
    }
}
