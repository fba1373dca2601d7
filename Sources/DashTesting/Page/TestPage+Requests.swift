import Dash
import DashJSON
import Synchronization

/// What a page asks its server.
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

    /// Sends a call's request, and polls for its job as long as there is one.
    ///
    /// - Parameter order: Which of the page's requests it is.
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
            body = outgoing.body.withoutValues
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
            as: TestServer.Flight(isPoll: isPoll)
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
        let result: Result<JSON?, any Error> = await server.flying(TestServer.Flight(isPoll: false)) { _ in
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
        // The function that comes with apps of several pages.
        if outputs.contains("_pages_dummy.children") {
            if let title = arguments.first?["title"].stringValue { state.withLock { $0.title = title } }
            return nil
        }
        if options.missingClientside == .skipped { return nil }
        throw TestError(
            .clientside,
            """
            \(outputs.joined(separator: ", ")) is written by a function of the browser, and a test has no browser. Give it a \
            stand-in: options.clientside(…) { values in … }; or leave it alone: options.missingClientside = .skipped.
            """
        )
    }
}

extension Renderer.Outgoing {
    /// What a poll repeats of the first request's query.
    fileprivate var repeatedQuery: String {
        query.split(separator: "&").filter { $0.hasPrefix("cancelJob=") }.map { "&\($0)" }.joined()
    }
}

extension JSON {
    /// A body as it is sent with a poll: the server has the values.
    fileprivate var withoutValues: JSON {
        var body = self
        for key in ["inputs", "state"] {
            guard let items = self[key].arrayValue else { continue }
            body[key] = .array(
                items.map { item in
                    guard item.arrayValue == nil else { return item }
                    var item = item
                    item["value"] = .null
                    return item
                }
            )
        }
        return body
    }
}
