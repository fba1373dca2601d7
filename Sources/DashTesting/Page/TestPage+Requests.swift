import Dash
import DashJSON
import Synchronization

/// Requests of the page.
extension TestPage {
    func perform(_ effect: Renderer.Effect, of load: Int) {
        switch effect {
        case .changed: break
        case .request(let outgoing):
            let order = state.withLock { state in
                state.sent.append(outgoing.body)
                return state.sent.count
            }
            server.run { await self.send(outgoing, order: order, of: load) }
        case .clientside(let number, let outputs, let function, let arguments):
            server.run { await self.standIn(number, outputs, function, arguments, of: load) }
        }
    }

    /// Sends a call's request, and polls its job until it ends.
    ///
    /// - Parameter order: The number of the request on this page.
    private func send(_ outgoing: Renderer.Outgoing, order: Int, of load: Int) async {
        var (body, query, polls) = (outgoing.body, outgoing.query + "&order=\(order)", 0)
        while !Task.isCancelled {
            let answer = await post(body, query, isPoll: polls > 0)
            let json = (try? JSON(parsing: answer.body)) ?? .null
            let text = String(decoding: answer.body, as: UTF8.self)
            if answer.status >= 400, let notice = answer.headers.first(where: { $0.name == "x-dash-notice" }) {
                state.withLock { state in
                    guard state.renderer?.running[outgoing.call]?.isReplaced != true else { return }
                    state.notices.append(notice.value)
                }
            }
            let job = change(of: load) { renderer in
                renderer.take(status: answer.status, body: json, text: text, of: outgoing.call)
            }
            guard let job = job ?? nil else { return }
            polls += 1
            body = outgoing.bodyWithoutValues
            query = "&job=\(job)" + outgoing.repeatedQuery + "&n=\(polls)"
        }
    }

    private func post(_ body: JSON, _ query: String, isPoll: Bool) async -> InProcessSite.Answer {
        let (prefix, endID, csrf) = state.withLock { ($0.prefix, $0.endID, $0.csrf) }
        var headers = [
            (name: "content-type", value: "application/json"), (name: "accept", value: "application/json"),
            (name: "sec-fetch-site", value: "same-origin"),
        ]
        if let token = browser.cookies[csrf.cookie] { headers.append((csrf.header, token)) }
        let answer = await server.ask(
            "POST",
            "\(prefix)_dash-update-component?endId=\(endID)\(query)",
            headers: browser.headers(headers),
            body: body.serialized(),
            as: TestServer.PendingRequest(isPoll: isPoll)
        )
        browser.take(answer.headers)
        return answer
    }

    private func standIn(
        _ number: Int,
        _ outputs: [String],
        _ function: String,
        _ arguments: [JSON],
        of load: Int
    ) async {
        let result: Result<JSON?, any Error> = await server.tracking(TestServer.PendingRequest(isPoll: false)) { _ in
            do {
                return .success(try await value(outputs, function, arguments))
            } catch is PreventUpdate {
                return .success(nil)
            } catch {
                return .failure(error)
            }
        }
        change(of: load) { $0.take(standIn: result, of: number) }
    }

    private func value(_ outputs: [String], _ function: String, _ arguments: [JSON]) async throws -> JSON? {
        let options = server.options
        if let standIn = options.namedStandIns[function] ?? outputs.lazy.compactMap({ options.standIns[$0] }).first {
            return try await standIn(arguments)
        }
        // The built-in function of multi-page apps.
        if outputs.contains("_pages_dummy.children") {
            if let title = arguments.first?["title"].stringValue { state.withLock { $0.title = title } }
            return nil
        }
        if options.missingClientside == .skipped { return nil }
        throw TestError(
            .clientside,
            """
            \(outputs.joined(separator: ", ")) is set by a clientside function, and a test has no browser. Add a \
            stand-in, options.clientside(…) { values in … }, or skip it: options.missingClientside = .skipped.
            """
        )
    }
}

extension Renderer.Outgoing {
    /// The part of the first request's query that polls repeat.
    fileprivate var repeatedQuery: String {
        query.split(separator: "&").filter { $0.hasPrefix("cancelJob=") }.map { "&\($0)" }.joined()
    }

    /// The body of a poll: without values, which the server already has.
    fileprivate var bodyWithoutValues: JSON {
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

/// Loading a page.
extension TestPage {
    /// The most redirects to follow.
    private static let mostRedirects = 5

    /// Loads the page at an address: the index page, then layout and dependencies.
    ///
    /// - Throws: `TestError` with code `load`.
    func load(_ location: PageAddress) async throws {
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
        let prefix = config["requests_pathname_prefix"].stringValue ?? "/"
        let layout = try await json(prefix + "_dash-layout", "The layout")
        let dependencies = try await json(prefix + "_dash-dependencies", "The list of callbacks")
        begin(location, answer, config, layout: layout, dependencies: dependencies)
        // Runs the initial callbacks.
        change { $0.begin() }
    }

    private func begin(
        _ location: PageAddress,
        _ answer: InProcessSite.Answer,
        _ config: JSON,
        layout: JSON,
        dependencies: JSON
    ) {
        let renderer = Renderer(
            layout: PageLayout(layout, childrenProps: config["children_props"]),
            graph: CallbackGraph(dependencies: dependencies),
            suppressesExceptions: config["suppress_callback_exceptions"].boolValue ?? false
        )
        state.withLock { state in
            state.load += 1
            state.renderer = renderer
            state.mounted = [:]
            state.mountedEdition = 0
            state.location = location
            state.endID = config["end_id"].stringValue ?? ""
            state.prefix = config["requests_pathname_prefix"].stringValue ?? "/"
            state.csrf = (config["csrf_token_name"].stringValue ?? "", config["csrf_header_name"].stringValue ?? "")
            state.title = answer.title
        }
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
