import DashJSON
import Synchronization

/// Somebody's visit to a page: what its address says, who asks, and the values of the app's
/// ``DashApp/routingCallbackInputs``.
///
/// ```swift
/// app.page("/reports/<id>", title: .by { "Report \($0["id"] ?? "")" }) { visit in
///     html.H1("Report \(visit["id"] ?? ""), page \(visit.query["page"] ?? "1")")
/// }
/// ```
///
/// Before anybody visits it, a page's layout is made once without variables, query and values, so that the browser knows
/// the page's ids.
public struct PageVisit: Sendable {
    /// The path below the app's own, with its first slash: `/reports/7`.
    public var path: String
    /// The values of the variables in the page's path, percent signs decoded.
    public var variables: [String: String]
    /// What stands behind the `?` of the address.
    public var query: QueryParameters
    /// The request that asks: cookies, headers, address.
    public var request: PageRequest
    var values: [PropertyRef: JSON] = [:]

    /// A visit, for the test of a layout.
    ///
    /// - Parameters:
    ///   - path: The path below the app's own.
    ///   - variables: The values of the variables in the page's path.
    ///   - query: What stands behind the `?` of the address.
    ///   - request: The request that asks.
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

    /// The value of a variable in the page's path; `nil` for a name that the path does not have, and before any visit.
    public subscript(variable: String) -> String? { variables[variable] }

    /// The value of one of the app's ``DashApp/routingCallbackInputs``; `nil` if it is none of them or of another type.
    public subscript<Value>(property: Prop<Value>) -> Value? {
        values[PropertyRef(property)].flatMap { try? property.read($0) }
    }

    /// The value of one of the app's ``DashApp/routingCallbackInputs``; `nil` if it is none of them or null.
    public subscript<Value>(property: Prop<Value?>) -> Value? {
        values[PropertyRef(property)].flatMap { try? property.read($0) } ?? nil
    }
}

/// Thrown by a page's layout where there is no such thing: the visitor gets the page for what is not found.
///
/// ```swift
/// let titles = ["7": "Sales by region"]
/// app.page("/reports/<id>") { visit in
///     guard let title = titles[visit["id"] ?? "7"] else { throw PageNotFound() }
///     return html.H1(title)
/// }
/// ```
public struct PageNotFound: Error, Sendable {
    /// An error that says so.
    public init() {}
}

/// Where an app is served, as far as that is known: links are made before the app is mounted, and written after.
final class PagePlace: Sendable {
    private struct State {
        var path = "/"
        var prefix = "/"
    }

    private let state = Mutex(State())

    /// - Parameters:
    ///   - path: Where the app is mounted.
    ///   - prefix: The same as the browser sees it, behind a proxy that adds a prefix.
    func settle(path: String, prefix: String) {
        state.withLock { $0 = State(path: path, prefix: prefix) }
    }

    /// A path below the app's own, as the browser needs it.
    func address(of path: String) -> String {
        state.withLock { $0.prefix } + path.drop { $0 == "/" }
    }

    /// The path below the app's own that an address of the browser stands for, whether a proxy adds a prefix or not.
    func path(of address: String) -> String {
        let known = state.withLock { $0 }
        // The prefix itself may come without its last slash.
        let full = address.hasSuffix("/") ? address : address + "/"
        let prefix = [known.prefix, known.path].first { full.hasPrefix($0) } ?? "/"
        let rest = full.hasPrefix(prefix) ? full.dropFirst(prefix.count) : full[...]
        return "/" + rest.split(separator: "/").joined(separator: "/")
    }

    /// A `dcc.Link` whose address is made when it is written.
    func link(_ children: any Renderable, to path: String, className: String?) -> Element {
        var builder = ElementBuilder("dash_core_components", "Link")
        builder.children(children)
        builder.set("href", PageAddress(path: path, place: self))
        builder.set("className", className)
        return builder.finish()
    }
}

/// The address of a page, made when it is written.
private struct PageAddress: JSONEncodable {
    let path: String
    let place: PagePlace

    func encode(to writer: inout JSONWriter) { writer.string(place.address(of: path)) }
}
