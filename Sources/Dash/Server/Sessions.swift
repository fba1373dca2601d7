import Crypto
import HTTPTypes
import Support

/// The sender of a request: the browser's session, and one page load in it.
struct Visitor: Sendable, Hashable {
    /// The session of the cookie, or the one sealed into the page if the browser sends no cookie (a frame on a foreign
    /// site).
    var session: String
    /// The page load; nil if the request has no valid `endId`.
    var page: String?
}

/// Creates and reads the session cookie and the `end_id` of each page load.
///
/// `end_id` seals the page's random name together with the session it was served to. A page whose browser does not
/// store the cookie (a frame on a foreign site) uses the sealed session.
struct Sessions: Sendable {
    /// The most cookies read per request.
    private static let mostSessions = 16
    private let signer: Signer

    init(signer: Signer) { self.signer = signer }

    /// A new session with the name and value of its cookie.
    ///
    /// The name is `dash_` and eight hex digits derived from the session, so that two sites on one host, or two pages
    /// opened at the same time on a first visit, do not overwrite each other's cookies.
    func newSession() -> (session: String, cookie: (name: String, value: String)) {
        let session = Base64.random(byteCount: 16)
        let name = "dash_" + signer.derivedName("cookie " + session, hexDigits: 8)
        return (session, (name, signer.sign(session, purpose: "session")))
    }

    /// Whether `name` has the form of a session cookie's name.
    static func isCookieName(_ name: String) -> Bool {
        name.utf8.count == 13 && name.hasPrefix("dash_") && name.dropFirst(5).allSatisfy(\.isHexDigit)
    }

    /// The session of a `Cookie` header; nil if it contains no session signed with this secret.
    func session(cookieHeader: String?) -> String? {
        sessions(cookieHeader: cookieHeader).first
    }

    /// All sessions of a `Cookie` header; several after two pages were opened at the same time on a first visit.
    private func sessions(cookieHeader: String?) -> [String] {
        let values = Cookies.pairs(in: cookieHeader).filter { $0.name.hasPrefix("dash_") }.map(\.value)
        return values.prefix(Self.mostSessions).compactMap { signer.verify($0, purpose: "session") }
    }

    /// The `end_id` of a new page load served to `session`.
    func newPage(session: String) -> String {
        signer.sign(Base64.random(byteCount: 12) + "." + session, purpose: "end")
    }

    /// The sender of a request with this cookie header and `endId`; nil if neither is valid.
    func visitor(cookieHeader: String?, endID: String?) -> Visitor? {
        let sealed = endID.flatMap { signer.verify($0, purpose: "end") }?.split(separator: ".", maxSplits: 1)
        let page = sealed.flatMap { $0.count == 2 ? String($0[0]) : nil }
        let cookies = sessions(cookieHeader: cookieHeader)
        guard let sealed, let page else { return cookies.first.map { Visitor(session: $0, page: nil) } }
        let own = String(sealed[1])
        return Visitor(session: cookies.isEmpty || cookies.contains(own) ? own : cookies[0], page: page)
    }
}

/// Reads `Cookie` headers (RFC 6265 §5.4: `name=value` pairs joined by `; `).
enum Cookies {
    /// All pairs, in header order.
    static func pairs(in header: String?) -> [(name: String, value: String)] {
        (header ?? "").utf8.split(separator: UInt8(ascii: ";")).compactMap { pair in
            guard let equals = pair.firstIndex(of: UInt8(ascii: "=")),
                let name = String(pair[..<equals].drop { $0 == UInt8(ascii: " ") }),
                let value = String(pair[pair.index(after: equals)...])
            else { return nil }
            return (name, value)
        }
    }
}

/// Signs the tokens that pass through the browser, and verifies them.
///
/// A token contains only characters that URL encoders leave unchanged. It is `<value>.<signature>`: HMAC-SHA256 over
/// the purpose, the bindings and the value, each free of NUL bytes, joined by NUL. A token of one purpose or owner is
/// therefore invalid for another.
struct Signer: Sendable {
    private let key: SymmetricKey

    /// - Parameter secret: At least 16 bytes.
    init(secret: [UInt8]) { key = SymmetricKey(data: secret) }

    func sign(_ value: String, purpose: String, boundTo bindings: [String] = []) -> String {
        value + "." + Base64.encode(Array(signature(of: value, purpose, bindings)), .urlSafe)
    }

    /// The value of a token; nil if the token is malformed, forged or bound to something else. Compares in constant
    /// time.
    func verify(_ token: String, purpose: String, boundTo bindings: [String] = []) -> String? {
        guard token.utf8.count <= 512, !token.utf8.contains(0),
            let dot = token.utf8.lastIndex(of: UInt8(ascii: "."))
        else { return nil }
        let (value, text) = (String(token[..<dot]), String(token[token.utf8.index(after: dot)...]))
        // Several texts can decode to the same bytes; only the canonical one is valid.
        guard let signature = Base64.decode(text), Base64.encode(signature, .urlSafe) == text else { return nil }
        let signed = message(of: value, purpose, bindings)
        return HMAC<SHA256>.isValidAuthenticationCode(signature, authenticating: signed, using: key) ? value : nil
    }

    /// A short, stable name derived from the secret; it reveals nothing about the secret.
    func derivedName(_ purpose: String, hexDigits: Int) -> String {
        String(Hexadecimal.text(signature(of: "", purpose, [])).prefix(hexDigits))
    }

    private func signature(of value: String, _ purpose: String, _ bindings: [String]) -> HMAC<SHA256>.MAC {
        HMAC<SHA256>.authenticationCode(for: message(of: value, purpose, bindings), using: key)
    }

    private func message(of value: String, _ purpose: String, _ bindings: [String]) -> [UInt8] {
        Array(([purpose] + bindings + [value]).joined(separator: "\0").utf8)
    }
}

/// Rejects requests that a browser sends for another site's page.
///
/// A state-changing request must have `Sec-Fetch-Site: same-origin`, or an `Origin` that is the request's host, the
/// forwarded host (if forwarded headers are trusted) or an allowed origin. A request with neither header does not come
/// from a browser.
struct OriginCheck: Sendable {
    private let configuration: SiteConfiguration

    init(_ configuration: SiteConfiguration) { self.configuration = configuration }

    /// Whether the request may change state.
    func accepts(_ headers: HTTPFields, host: String?) -> Bool {
        let origin = headers[.origin]
        if let origin, configuration.allowedOrigins.contains(origin) { return true }
        if let site = headers[.secFetchSite] { return site == "same-origin" || site == "none" }
        guard let origin else { return true }
        guard let originHost = Self.host(ofOrigin: origin) else { return false }
        if originHost == host?.lowercased() { return true }
        return configuration.trustsForwardedHeaders && originHost == headers[.forwardedHost]?.lowercased()
    }

    /// The host and port of an origin in lower case; nil for `null` and for anything with a path or credentials.
    private static func host(ofOrigin origin: String) -> String? {
        for scheme in ["http://", "https://"] where origin.lowercased().hasPrefix(scheme) {
            let host = origin.lowercased().dropFirst(scheme.count)
            return host.isEmpty || host.contains(where: { "/@\\?# ".contains($0) }) ? nil : String(host)
        }
        return nil
    }
}

extension HTTPField.Name {
    static let secFetchSite = constant("Sec-Fetch-Site")
    static let forwardedHost = constant("X-Forwarded-Host")
    static let forwardedProto = constant("X-Forwarded-Proto")
    /// A sentence on a job's outcome, shown by the browser script.
    static let dashNotice = constant("X-Dash-Notice")

    private static func constant(_ name: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(name) else { preconditionFailure("\(name) is not a header name") }
        return name
    }
}
