import Foundation
import HTTPTypes
import Hummingbird
import Synchronization

/// The head of a regular callback's answer, as far as a callback may shape it: see ``CallbackContext/response``.
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
    /// Headers that are the server's own.
    private static let reserved: Set<String> = [
        "content-type", "content-length", "content-encoding", "transfer-encoding", "connection", "set-cookie", "date",
    ]

    /// When a browser sends a cookie with requests that other sites have caused.
    public enum SameSite: String, Sendable, Hashable {
        /// Never.
        case strict = "Strict"
        /// With navigation only.
        case lax = "Lax"
        /// Always; the browser asks for `isSecure` too.
        case none = "None"
    }

    /// Sets a header in place of others of its name.
    ///
    /// - Throws: ``DashError`` with code `invalid-header` for a name or a value that no header has, and for headers that
    ///   are the server's own, such as `Content-Type`.
    public func setHeader(_ name: String, _ value: String) throws {
        let (name, value) = try Self.field(name, value)
        state.withLock { $0.fields[name] = value }
    }

    /// Adds a header to others of its name.
    ///
    /// - Throws: ``DashError`` as ``setHeader(_:_:)`` does.
    public func appendHeader(_ name: String, _ value: String) throws {
        let (name, value) = try Self.field(name, value)
        state.withLock { $0.fields.append(HTTPField(name: name, value: value)) }
    }

    /// Sets a cookie.
    ///
    /// - Parameters:
    ///   - name: Its name.
    ///   - value: Its value: printable ASCII without spaces, quotes, commas, semicolons and backslashes; encode others.
    ///   - maxAge: How long the browser keeps it; nil until the browser is closed, zero takes it away.
    ///   - path: The paths it is sent to.
    ///   - domain: The hosts it is sent to; nil is this one.
    ///   - isSecure: Whether it is sent over https only.
    ///   - isHTTPOnly: Whether scripts of the page cannot read it.
    ///   - sameSite: When it is sent with requests that other sites have caused; nil leaves it to the browser.
    /// - Throws: ``DashError`` with code `invalid-header` for a text that cannot stand in a cookie.
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
                "The cookie “\(name)” has a character that no cookie has: encode its value, for example as base64."
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

    /// Notes how long a part of the callback took; the developer's tools show it.
    func record(_ name: String, _ duration: Duration, _ description: String?) {
        state.withLock { $0.timings.append((name, duration, description)) }
    }

    /// What was noted, by name.
    var timings: [String: Duration] {
        state.withLock { Dictionary($0.timings.map { ($0.name, $0.duration) }, uniquingKeysWith: { $1 }) }
    }

    /// Adds all this to an answer.
    ///
    /// - Parameter timing: how long the callback took in all; nil shows no times.
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

    /// What may stand between the quotes of a header's value.
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
                "The header “\(name)” cannot be set to “\(value.prefix(80))”: it is the server's own, or no header at all."
            )
        }
        return (field, value)
    }

    private static func isCookieOctet(_ byte: UInt8) -> Bool {
        0x21...0x7E ~= byte && !"\",;\\".utf8.contains(byte)
    }
}
