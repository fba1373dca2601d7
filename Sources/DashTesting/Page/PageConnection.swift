import Dash
import DashJSON

/// Where a page sends its callback requests.
struct CallbackEndpoint: Sendable {
    /// The path of the app's endpoints, with a slash at both ends.
    var prefix = "/"
    var endID = ""
    var csrf: (cookie: String, header: String) = ("", "")
}

extension CallbackEndpoint {
    /// Reads the configuration in an index page.
    fileprivate init(_ config: JSON) {
        prefix = config["requests_pathname_prefix"].stringValue ?? "/"
        endID = config["end_id"].stringValue ?? ""
        csrf = (config["csrf_token_name"].stringValue ?? "", config["csrf_header_name"].stringValue ?? "")
    }
}

/// A loaded page, before its initial callbacks.
struct LoadedPage: Sendable {
    let location: PageAddress
    let title: String
    let endpoint: CallbackEndpoint
    let renderer: Renderer
}

/// The requests of a page to the test's server, with the browser's cookies.
struct PageConnection: Sendable {
    /// The most redirects to follow.
    private static let mostRedirects = 5

    private let server: TestServer
    private let browser: TestBrowser

    init(_ server: TestServer, _ browser: TestBrowser) {
        self.server = server
        self.browser = browser
    }

    /// Requests the page at an address: the index page, then layout and dependencies.
    ///
    /// - Throws: `TestError` with code `load`.
    func load(_ location: PageAddress) async throws -> LoadedPage {
        var location = location
        var answer = await ask(location)
        var redirects = 0
        while let target = answer.redirect, redirects < Self.mostRedirects {
            location = PageAddress(target)
            answer = await ask(location)
            redirects += 1
        }
        guard answer.status == 200, let config = answer.config else {
            throw TestError(.load, "\(location) is not a page of a Dash app: \(answer.summary)")
        }
        let endpoint = CallbackEndpoint(config)
        let layout = try await json(endpoint.prefix + "_dash-layout", "The layout")
        let dependencies = try await json(endpoint.prefix + "_dash-dependencies", "The list of callbacks")
        let renderer = Renderer(
            layout: PageLayout(layout, childrenProps: config["children_props"]),
            graph: CallbackGraph(dependencies: dependencies),
            suppressesExceptions: config["suppress_callback_exceptions"].boolValue ?? false
        )
        return LoadedPage(location: location, title: answer.title, endpoint: endpoint, renderer: renderer)
    }

    private func ask(_ location: PageAddress) async -> InProcessSite.Answer {
        await get(location.pathname + location.search, accept: "text/html")
    }

    private func json(_ path: String, _ what: String) async throws -> JSON {
        let answer = await get(path, accept: "application/json")
        guard answer.status == 200 else { throw TestError(.load, "\(what) could not be loaded: \(answer.summary)") }
        return try JSON(parsing: answer.body)
    }

    private func get(_ path: String, accept: String) async -> InProcessSite.Answer {
        let answer = await server.ask(
            "GET",
            path,
            headers: browser.headers([("accept", accept)]),
            as: TestServer.PendingRequest(isPoll: false)
        )
        browser.take(answer.headers)
        return answer
    }

    /// Sends the request of a call or a poll.
    func post(
        _ body: JSON,
        _ query: String,
        to endpoint: CallbackEndpoint,
        isPoll: Bool
    ) async -> InProcessSite.Answer {
        var headers = [
            (name: "content-type", value: "application/json"), (name: "accept", value: "application/json"),
            (name: "sec-fetch-site", value: "same-origin"),
        ]
        if let token = browser.cookies[endpoint.csrf.cookie] { headers.append((endpoint.csrf.header, token)) }
        let answer = await server.ask(
            "POST",
            "\(endpoint.prefix)_dash-update-component?endId=\(endpoint.endID)\(query)",
            headers: browser.headers(headers),
            body: body.serialized(),
            as: TestServer.PendingRequest(isPoll: isPoll)
        )
        browser.take(answer.headers)
        return answer
    }
}

extension Renderer.Outgoing {
    /// The part of the first request's query that polls repeat.
    var repeatedQuery: String {
        query.split(separator: "&").filter { $0.hasPrefix("cancelJob=") }.map { "&\($0)" }.joined()
    }

    /// The body of a poll: without values, which the server already has.
    var bodyWithoutValues: JSON {
        var result = body
        for key in ["inputs", "state"] {
            guard let items = body[key].arrayValue else { continue }
            result[key] = .array(
                items.map { item in
                    guard item.arrayValue == nil else { return item }
                    var item = item
                    item["value"] = .null
                    return item
                }
            )
        }
        return result
    }
}

extension InProcessSite.Answer {
    fileprivate var text: String { String(decoding: body, as: UTF8.self) }

    fileprivate var summary: String { "status \(status): \(text.prefix(500))" }

    fileprivate var redirect: String? {
        (300..<400).contains(status) ? headers.first { $0.name == "location" }?.value : nil
    }

    /// The renderer's configuration in an index page.
    fileprivate var config: JSON? {
        part(after: #"<script id="_dash-config" type="application/json">"#, before: "</script>")
            .flatMap { try? JSON(parsing: $0) }
    }

    fileprivate var title: String {
        let text = part(after: "<title>", before: "</title>") ?? ""
        return [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
            .reduce(text) { $0.replacing($1.0, with: $1.1) }
    }

    private func part(after start: String, before end: String) -> String? {
        let text = text
        guard let start = text.firstRange(of: start), let end = text[start.upperBound...].firstRange(of: end) else {
            return nil
        }
        return String(text[start.upperBound..<end.lowerBound])
    }
}

/// The address shown by a page's browser.
public struct PageAddress: Sendable, Hashable, CustomStringConvertible {
    /// Scheme and host of every site under test.
    public static let origin = "http://localhost"

    /// The path, with its first slash.
    public var pathname: String
    /// The query with its question mark; empty if there is none.
    public var search: String
    /// The fragment with its `#`; empty if there is none.
    public var hash: String

    /// Parses a path with query and fragment, `/reports/?year=2026#top`, optionally after ``origin``.
    ///
    /// - Parameter text: The address; the host is ignored.
    public init(_ text: String) {
        var rest = text[...]
        if let scheme = rest.firstRange(of: "://") {
            let host = rest[scheme.upperBound...]
            rest = host.firstIndex { "/?#".contains($0) }.map { host[$0...] } ?? ""
        }
        let fragment = rest.firstIndex(of: "#") ?? rest.endIndex
        let query = rest[..<fragment].firstIndex(of: "?") ?? fragment
        pathname = rest[..<query].isEmpty ? "/" : String(rest[..<query])
        search = rest[query..<fragment] == "?" ? "" : String(rest[query..<fragment])
        hash = rest[fragment...] == "#" ? "" : String(rest[fragment...])
    }

    /// The whole address.
    public var href: String { Self.origin + description }

    /// Path, query and fragment.
    public var description: String { pathname + search + hash }

    /// The properties of a `Location` component, in the order in which it sets them.
    var properties: [(name: String, value: JSON)] {
        [
            ("pathname", .string(pathname)), ("href", .string(href)), ("hash", .string(hash)),
            ("search", .string(search)),
        ]
    }

    /// This address with one property changed.
    func setting(_ property: String, to value: String) -> PageAddress {
        var location = self
        switch property {
        case "pathname": location.pathname = value
        case "search": location.search = value
        case "hash": location.hash = value
        default: location = PageAddress(value)
        }
        return location
    }
}
