import DashJSON
import Foundation
import HTTPTypes
import Hummingbird
import Synchronization

/// The response to a callback request or poll (docs/protocol.md, Callback responses).
struct CallbackResponse: Sendable {
    /// New values of outputs. `nil` omits the member, which makes the browser poll again; an empty list ends the
    /// polling.
    var response: [PropertyUpdate]?
    /// Values set by `setProps`.
    var sideUpdate: [PropertyUpdate] = []
    var progress: [PropertyUpdate] = []
    /// The final values of progress properties.
    var progressDefault: [PropertyUpdate] = []
    /// The handle of the running job; URL-safe, as the browser returns it unchanged.
    var job: String?
    /// The inputs that cancel the job.
    var cancel: [PropertyRef] = []

    var bytes: [UInt8] {
        var writer = JSONWriter(capacity: capacity)
        writer.object { body in
            body.member("multi", true)
            if let job { body.member("job", job) }
            if !cancel.isEmpty { body.member("cancel", JSON.array(cancel.map(\.entry))) }
            if !progressDefault.isEmpty { body.member("progressDefault") { progressDefault.writeFlat(to: &$0) } }
            if !progress.isEmpty { body.member("progress") { progress.writeFlat(to: &$0) } }
            if !sideUpdate.isEmpty { body.member("sideUpdate") { sideUpdate.writeGrouped(to: &$0) } }
            if let response { body.member("response") { response.writeGrouped(to: &$0) } }
        }
        return writer.bytes
    }

    private var capacity: Int {
        [response ?? [], sideUpdate, progress, progressDefault].reduce(256) { sum, updates in
            updates.reduce(sum) { $0 + $1.value.bytes.count + 64 }
        }
    }
}

extension [OutputUpdate] {
    /// Resolves the outputs to the ids of a request; a list of components gets one value each.
    ///
    /// - Parameters:
    ///   - callback: The callback with these outputs.
    ///   - targets: The ids from the request.
    /// - Throws: ``DashError`` with code `wrong-result` for a list whose length differs from the number of components.
    func resolved(for callback: Callback, targets: [CallbackRequest.Target]) throws -> [PropertyUpdate] {
        try flatMap { update -> [PropertyUpdate] in
            guard targets.indices.contains(update.index), !UpdateList.isSkip(update.value) else { return [] }
            let property = callback.outputs[update.index].ref.property
            switch targets[update.index] {
            case .one(let id):
                return [PropertyUpdate(ref: PropertyRef(id: id, property: property), value: update.value)]
            case .list(let ids):
                let values = try UpdateList.values(
                    update.value,
                    count: ids.count,
                    output: callback.outputs[update.index].ref
                )
                return zip(ids, values).compactMap { id, value in
                    value.map { PropertyUpdate(ref: PropertyRef(id: id, property: property), value: RawJSON(json: $0)) }
                }
            }
        }
    }
}

extension [PropertyUpdate] {
    /// Writes `{"id.property": value}`; the last value of a property wins.
    fileprivate func writeFlat(to writer: inout JSONWriter) {
        writer.object { object in
            for update in latest { object.member(update.ref.text, update.value) }
        }
    }

    /// Writes `{"id": {"property": value}}`; the last value of a property wins.
    fileprivate func writeGrouped(to writer: inout JSONWriter) {
        var updates = latest[...]
        writer.object { object in
            while let id = updates.first?.ref.id {
                let ofComponent = updates.filter { $0.ref.id == id }
                object.member(id.text) { writer in
                    writer.object { for update in ofComponent { $0.member(update.ref.property, update.value) } }
                }
                updates.removeAll { $0.ref.id == id }
            }
        }
    }

    /// One value per property, in the order of first values; patches are applied to the earlier value.
    private var latest: [PropertyUpdate] {
        if count < 2 { return self }
        var places: [PropertyRef: Int] = [:]
        var result: [PropertyUpdate] = []
        for update in self {
            if let place = places[update.ref] {
                result[place].value = Patch.combined(update.value, after: result[place].value)
            } else {
                places[update.ref] = result.count
                result.append(update)
            }
        }
        return result
    }
}

/// The headers and cookies that a regular callback adds to its response; see ``CallbackContext/response``.
///
/// ```swift
/// try ctx.response.setCookie("visits", "12", maxAge: .seconds(86_400))
/// try ctx.response.setHeader("X-Answer", "42")
/// ```
public final class CallbackReply: Sendable {
    private struct State {
        var fields: HTTPFields = [:]
        var timings: [(name: String, duration: Duration, description: String?)] = []
    }

    private let state = Mutex(State())
    /// Headers that only the server sets.
    private static let reserved: Set<String> = [
        "content-type", "content-length", "content-encoding", "transfer-encoding", "connection", "set-cookie", "date",
    ]

    /// Whether a browser sends a cookie with cross-site requests.
    public enum SameSite: String, Sendable, Hashable {
        /// Never.
        case strict = "Strict"
        /// Only with navigation.
        case lax = "Lax"
        /// Always; browsers require `isSecure`.
        case none = "None"
    }

    /// Sets a header, and replaces others of its name.
    ///
    /// - Throws: ``DashError`` with code `invalid-header` for an invalid name or value, and for headers that only the
    ///   server sets, such as `Content-Type`.
    public func setHeader(_ name: String, _ value: String) throws {
        let (name, value) = try Self.field(name, value)
        state.withLock { $0.fields[name] = value }
    }

    /// Adds a header, and keeps others of its name.
    ///
    /// - Throws: ``DashError``, as ``setHeader(_:_:)`` does.
    public func appendHeader(_ name: String, _ value: String) throws {
        let (name, value) = try Self.field(name, value)
        state.withLock { $0.fields.append(HTTPField(name: name, value: value)) }
    }

    /// Sets a cookie.
    ///
    /// - Parameters:
    ///   - name: The name.
    ///   - value: The value: printable ASCII without spaces, quotes, commas, semicolons and backslashes; encode others.
    ///   - maxAge: How long the browser keeps it; nil until the browser is closed, zero removes it.
    ///   - path: The paths it is sent to.
    ///   - domain: The hosts it is sent to; nil is this one.
    ///   - isSecure: Whether it is sent over https only.
    ///   - isHTTPOnly: Whether it is hidden from scripts of the page.
    ///   - sameSite: Whether it is sent with cross-site requests; nil leaves it to the browser.
    /// - Throws: ``DashError`` with code `invalid-header` for an invalid character.
    public func setCookie(
        _ name: String,
        _ value: String,
        maxAge: Duration? = nil,
        path: String = "/",
        domain: String? = nil,
        isSecure: Bool = false,
        isHTTPOnly: Bool = false,
        sameSite: SameSite? = nil
    ) throws {
        guard HTTPField.Name(name) != nil,
            ([value, path, domain ?? ""].allSatisfy { $0.utf8.allSatisfy(Self.isCookieOctet) })
        else {
            throw DashError(
                .invalidHeader,
                "The cookie “\(name)” contains an invalid character. Encode its value, for example as base64."
            )
        }
        var parts = ["\(name)=\(value)"]
        if let maxAge { parts.append("Max-Age=\(maxAge.components.seconds)") }
        if let domain { parts.append("Domain=\(domain)") }
        if isSecure { parts.append("Secure") }
        if isHTTPOnly { parts.append("HttpOnly") }
        parts.append("Path=\(path)")
        if let sameSite { parts.append("SameSite=\(sameSite.rawValue)") }
        let cookie = HTTPField(name: .setCookie, value: parts.joined(separator: "; "))
        state.withLock { $0.fields.append(cookie) }
    }

    /// Records how long a part of the callback took, for the developer tools.
    func record(_ name: String, _ duration: Duration, _ description: String?) {
        state.withLock { $0.timings.append((name, duration, description)) }
    }

    /// The recorded durations, by name.
    var timings: [String: Duration] {
        state.withLock { Dictionary($0.timings.map { ($0.name, $0.duration) }, uniquingKeysWith: { $1 }) }
    }

    /// Adds the headers, cookies and timings to a response.
    ///
    /// - Parameter timing: The callback's total duration; nil omits all timings.
    func add(to response: inout Response, timing: Duration?) {
        let state = state.withLock { $0 }
        for field in state.fields { response.headers.append(field) }
        guard let timing, let name = HTTPField.Name("Server-Timing") else { return }
        response.headers.append(HTTPField(name: name, value: "__dash_server;dur=\(Self.milliseconds(timing))"))
        for (entry, duration, description) in state.timings {
            let words = description.map { ";desc=\"\(Self.quoted($0))\"" } ?? ""
            response.headers.append(HTTPField(name: name, value: "\(entry)\(words);dur=\(Self.milliseconds(duration))"))
        }
    }

    private static func milliseconds(_ duration: Duration) -> Int {
        Int((duration / .milliseconds(1)).rounded())
    }

    /// Removes characters that are invalid in a quoted header value.
    private static func quoted(_ text: String) -> String {
        String(
            decoding: text.utf8.filter { 0x20...0x7E ~= $0 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") },
            as: UTF8.self
        )
    }

    private static func field(_ name: String, _ value: String) throws -> (HTTPField.Name, String) {
        guard let field = HTTPField.Name(name), HTTPField.isValidValue(value), !reserved.contains(name.lowercased())
        else {
            throw DashError(
                .invalidHeader,
                "The header “\(name)” cannot be set to “\(value.prefix(80))”. Use a valid header that the server does not set."
            )
        }
        return (field, value)
    }

    private static func isCookieOctet(_ byte: UInt8) -> Bool {
        0x21...0x7E ~= byte && !"\",;\\".utf8.contains(byte)
    }
}
