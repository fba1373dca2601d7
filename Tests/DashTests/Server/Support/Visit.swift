import DashJSON
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Testing

@testable import Dash

/// A client of a server, without cookies.
struct Visit: Sendable {
    let client: any TestClientProtocol

    /// Sends a request.
    func ask(
        _ method: HTTPRequest.Method = .get,
        _ uri: String,
        headers: HTTPFields = [:],
        body: [UInt8]? = nil
    ) async throws -> Answer {
        let buffer = body.map { ByteBuffer(bytes: $0) }
        return try await client.execute(uri: uri, method: method, headers: headers, body: buffer) { response in
            Answer(status: response.status.code, headers: response.headers, bytes: Array(buffer: response.body))
        }
    }

    /// Loads an app's page, with or without a cookie.
    func open(
        _ path: String = "/",
        cookie: String? = nil,
        sourceLocation: Testing.SourceLocation = #_sourceLocation
    ) async throws -> Page {
        let answer = try await ask(.get, path, headers: cookie.map { [.cookie: $0] } ?? [:])
        try #require(answer.status == 200, sourceLocation: sourceLocation)
        let config = try #require(answer.config, sourceLocation: sourceLocation)
        let new = answer.headers[.setCookie].map { String($0.prefix { $0 != ";" }) }
        return Page(
            visit: self,
            path: path,
            cookie: try #require(new ?? cookie, sourceLocation: sourceLocation),
            endID: try #require(config["end_id"].stringValue, sourceLocation: sourceLocation)
        )
    }
}

/// A response of the server.
struct Answer: Sendable {
    let status: Int
    let headers: HTTPFields
    let bytes: [UInt8]

    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The body as JSON; null if it is not JSON.
    var json: JSON { (try? JSON(parsing: bytes)) ?? .null }

    /// The handle of a running job.
    var job: String? { json["job"].stringValue }

    /// The renderer's configuration in an index page.
    var config: JSON? {
        let opening = #"<script id="_dash-config" type="application/json">"#
        guard let start = text.firstRange(of: opening), let end = text[start.upperBound...].firstRange(of: "</script>")
        else {
            return nil
        }
        return try? JSON(parsing: String(text[start.upperBound..<end.lowerBound]))
    }
}

/// A page load in a browser.
struct Page: Sendable {
    let visit: Visit
    let path: String
    var cookie: String
    var endID: String

    /// Sends a callback request with the headers of a browser on the site's own page.
    func post(_ body: JSON, _ query: String = "", headers: HTTPFields = [:]) async throws -> Answer {
        try await post(bytes: body.serialized(), query, headers: headers)
    }

    func post(bytes: [UInt8], _ query: String = "", headers: HTTPFields = [:]) async throws -> Answer {
        var all: HTTPFields = [.contentType: "application/json", .secFetchSite: "same-origin", .cookie: cookie]
        for field in headers { all[field.name] = field.value.isEmpty ? nil : field.value }
        let uri = "\(path)_dash-update-component?endId=\(endID)\(query.isEmpty ? "" : "&" + query)"
        return try await visit.ask(.post, uri, headers: all, body: bytes)
    }

    /// Polls a job, with the same body without values.
    func poll(_ body: JSON, _ job: String, n number: Int? = nil) async throws -> Answer {
        try await post(body.withoutValues, "job=\(job)" + (number.map { "&n=\($0)" } ?? ""))
    }

    /// Starts a job, and returns its handle.
    func start(
        _ body: JSON,
        _ query: String = "",
        sourceLocation: Testing.SourceLocation = #_sourceLocation
    ) async throws -> String {
        let answer = try await post(body, query)
        try #require(answer.status == 200, "\(answer.text)", sourceLocation: sourceLocation)
        return try #require(answer.job, "\(answer.text)", sourceLocation: sourceLocation)
    }
}

/// The body of a callback request in the renderer's format; keys are `id.property`.
func call(
    _ output: String,
    _ inputs: KeyValuePairs<String, JSON>,
    state: KeyValuePairs<String, JSON> = [:],
    changed: [String]? = nil
) -> JSON {
    var body = JSONObject()
    body.append("output", .string(output))
    if output.hasPrefix("..") {
        body.append("outputs", .array(output.dropFirst(2).dropLast(2).split(separator: "...").map { item(String($0)) }))
    } else if output.contains(".") {
        body.append("outputs", item(output))
    }
    body.append("inputs", .array(inputs.map { item($0.key, $0.value) }))
    let keys = (changed ?? inputs.map(\.key)).map { JSON.string($0) }
    body.append("changedPropIds", .array(keys))
    body.append("parsedChangedPropsIds", .array(keys))
    if !state.isEmpty { body.append("state", .array(state.map { item($0.key, $0.value) })) }
    return .object(body)
}

private func item(_ text: String, _ value: JSON? = nil) -> JSON {
    let dot = text.lastIndex(of: ".") ?? text.endIndex
    var item: JSON = ["id": .string(String(text[..<dot])), "property": .string(String(text[dot...].dropFirst()))]
    if let value { item["value"] = value }
    return item
}

extension JSON {
    /// The body of a poll, without values.
    fileprivate var withoutValues: JSON {
        var body = self
        for key in ["inputs", "state"] {
            guard let items = self[key].arrayValue else { continue }
            body[key] = .array(
                items.map { item in
                    var item = item
                    item["value"] = .null
                    return item
                }
            )
        }
        return body
    }
}

/// Yields until a condition holds. Use it only for changes without a notification.
func until(
    _ what: String,
    sourceLocation: Testing.SourceLocation = #_sourceLocation,
    _ isSo: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while try await !isSo() {
        try #require(ContinuousClock.now < deadline, "\(what): not reached", sourceLocation: sourceLocation)
        await Task.yield()
    }
}
