import DashJSON
import Synchronization

/// A visit to a page: its address, the request, and the values of the app's ``DashApp/routingCallbackInputs``.
///
/// ```swift
/// app.page("/reports/<id>", title: .by { "Report \($0["id"] ?? "")" }) { visit in
///     html.H1("Report \(visit["id"] ?? ""), page \(visit.query["page"] ?? "1")")
/// }
/// ```
///
/// A page's layout is built once before any visit, without variables, query and values, so that the browser knows the
/// page's ids.
public struct PageVisit: Sendable {
    /// The path relative to the app's, with a leading slash: `/reports/7`.
    public var path: String
    /// The percent-decoded values of the variables in the page's path.
    public var variables: [String: String]
    /// The query of the address.
    public var query: QueryParameters
    /// The request, with cookies, headers and the client's address.
    public var request: PageRequest
    var values: [PropertyRef: JSON] = [:]

    /// Creates a visit, for testing a layout; see the properties.
    public init(
        path: String = "/",
        variables: [String: String] = [:],
        query: QueryParameters = QueryParameters(""),
        request: PageRequest = PageRequest()
    ) {
        self.path = path
        self.variables = variables
        self.query = query
        self.request = request
    }

    /// The value of a variable in the page's path; `nil` for an unknown name, and before any visit.
    public subscript(variable: String) -> String? { variables[variable] }

    /// The value of one of the app's ``DashApp/routingCallbackInputs``; `nil` for another property or a value of
    /// another type.
    public subscript<Value>(property: Prop<Value>) -> Value? {
        values[PropertyRef(property)].flatMap { try? property.read($0) }
    }

    /// The value of one of the app's ``DashApp/routingCallbackInputs``; `nil` for another property or null.
    public subscript<Value>(property: Prop<Value?>) -> Value? {
        values[PropertyRef(property)].flatMap { try? property.read($0) } ?? nil
    }
}

/// Thrown by a page's layout to show the not-found page.
///
/// ```swift
/// let titles = ["7": "Sales by region"]
/// app.page("/reports/<id>") { visit in
///     guard let title = titles[visit["id"] ?? "7"] else { throw PageNotFound() }
///     return html.H1(title)
/// }
/// ```
public struct PageNotFound: Error, Sendable {
    /// Creates the error.
    public init() {}
}

/// The path at which an app is served: links are created before the app is mounted, and written after.
final class PagePlace: Sendable {
    private struct State {
        var path = "/"
        var prefix = "/"
    }

    private let state = Mutex(State())

    /// Sets the paths when the app is mounted.
    ///
    /// - Parameters:
    ///   - path: The app's mount path.
    ///   - prefix: The mount path as the browser sees it, with a proxy's prefix.
    func settle(path: String, prefix: String) {
        state.withLock { $0 = State(path: path, prefix: prefix) }
    }

    /// The browser's address of a path relative to the app's.
    func address(of path: String) -> String {
        state.withLock { $0.prefix } + path.drop { $0 == "/" }
    }

    /// The path relative to the app's of a browser's address, with or without a proxy's prefix.
    func path(of address: String) -> String {
        let known = state.withLock { $0 }
        // The prefix may lack its last slash.
        let full = address.hasSuffix("/") ? address : address + "/"
        let prefix = [known.prefix, known.path].first { full.hasPrefix($0) } ?? "/"
        let rest = full.hasPrefix(prefix) ? full.dropFirst(prefix.count) : full[...]
        return "/" + rest.split(separator: "/").joined(separator: "/")
    }

    /// A `dcc.Link` whose address is resolved when it is encoded.
    func link(_ children: any Renderable, to path: String, className: String?) -> Element {
        var builder = ElementBuilder("dash_core_components", "Link")
        builder.children(children)
        builder.set("href", PageAddress(path: path, place: self))
        builder.set("className", className)
        return builder.finish()
    }
}

/// The address of a page, resolved when it is encoded.
private struct PageAddress: JSONEncodable {
    let path: String
    let place: PagePlace

    func encode(to writer: inout JSONWriter) { writer.string(place.address(of: path)) }
}
