import Dash
import DashJSON
import Synchronization

/// How a page comes to be.
extension TestPage {
    /// The most redirects that are followed.
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
            throw TestError(.load, "\(location) is no page of a Dash app: \(answer.summary)")
        }
        let prefix = config["requests_pathname_prefix"].stringValue ?? "/"
        let layout = try await json(prefix + "_dash-layout", "The layout")
        let dependencies = try await json(prefix + "_dash-dependencies", "The list of callbacks")
        begin(location, answer, config, layout: layout, dependencies: dependencies)
        // The first callbacks.
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
            as: TestServer.Flight(isPoll: false)
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

    /// What an index page tells the renderer.
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
