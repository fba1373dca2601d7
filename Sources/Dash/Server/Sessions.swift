import Crypto
import HTTPTypes
import Support

/// Who asks, as far as the server can tell: the browser's session, and the one load of a page in it.
struct Visitor: Sendable, Hashable {
    /// The session of the cookie, or the one sealed into the page where the browser sends no cookie (a foreign frame).
    var session: String
    /// The page load, or nil where the request carries no valid `endId`.
    var page: String?
}

/// Makes and reads the session cookie and the `end_id` of each page load.
///
/// `end_id` seals the page's random name together with the session it was served to. A browser that keeps no cookie for
/// us (a frame on a foreign site) is still one owner per page: its session is the sealed one.
struct Sessions: Sendable {
    /// Cookies looked at in one request; no browser gathers more.
    private static let mostSessions = 16
    private let signer: Signer

    init(signer: Signer) {
        self.signer = signer
    }

    /// A new session with the name and the value of its cookie.
    ///
    /// The name is `dash_` and eight hex digits of the session's own: two sites on one host do not mix, and two pages that
    /// are opened at once on a first visit do not take each other's session away.
    func newSession() -> (session: String, cookie: (name: String, value: String)) {
        let session = Base64.random(byteCount: 16)
        let name = "dash_" + signer.derivedName("cookie " + session, hexDigits: 8)
        return (session, (name, signer.sign(session, purpose: "session")))
    }

    /// Whether a cookie of this name may be one of ours.
    static func isCookieName(_ name: String) -> Bool {
        name.utf8.count == 13 && name.hasPrefix("dash_") && name.dropFirst(5).allSatisfy(\.isHexDigit)
    }

    /// The session of a request's `Cookie` header, or nil when it carries none that we signed.
    func session(cookieHeader: String?) -> String? {
        sessions(cookieHeader: cookieHeader).first
    }

    /// All sessions of a `Cookie` header; more than one after first visits of two pages at once.
    private func sessions(cookieHeader: String?) -> [String] {
        let values = Cookies.pairs(in: cookieHeader).filter { $0.name.hasPrefix("dash_") }.map(\.value)
        return values.prefix(Self.mostSessions).compactMap { signer.verify($0, purpose: "session") }
    }

    /// The `end_id` of a new page load served to `session`.
    func newPage(session: String) -> String {
        signer.sign(Base64.random(byteCount: 12) + "." + session, purpose: "end")
    }

    /// Who sent a request with this cookie header and this `endId`; nil when neither tells.
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
    /// All pairs, in the order of the header.
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

/// Signs the tokens that travel through the browser, and checks them when they come back.
///
/// A token has only characters that every encoder of URLs leaves alone. It is `<value>.<signature>`: HMAC-SHA256 over the purpose, the things it is bound to and the value, each of which
/// is free of NUL bytes, joined by NUL. So a token of one purpose or owner is worthless for another.
struct Signer: Sendable {
    private let key: SymmetricKey

    /// - Parameter secret: at least 16 bytes; longer is fine.
    init(secret: [UInt8]) {
        key = SymmetricKey(data: secret)
    }

    /// `value` with its signature.
    func sign(_ value: String, purpose: String, boundTo bindings: [String] = []) -> String {
        value + "." + Base64.encode(Array(signature(of: value, purpose, bindings)), .urlSafe)
    }

    /// The value of a token, or nil when the token is malformed, forged or bound to something else.
    ///
    /// The comparison takes the same time for every wrong signature.
    func verify(_ token: String, purpose: String, boundTo bindings: [String] = []) -> String? {
        guard token.utf8.count <= 512, !token.utf8.contains(0),
            let dot = token.utf8.lastIndex(of: UInt8(ascii: "."))
        else { return nil }
        let (value, text) = (String(token[..<dot]), String(token[token.utf8.index(after: dot)...]))
        // Of several texts for the same bytes one is right: a token has one form.
        guard let signature = Base64.decode(text), Base64.encode(signature, .urlSafe) == text else { return nil }
        let signed = message(of: value, purpose, bindings)
        return HMAC<SHA256>.isValidAuthenticationCode(signature, authenticating: signed, using: key) ? value : nil
    }

    /// A short, stable name derived from the secret, which tells nothing of it.
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

/// Refuses requests that another site's page made a browser send (S8).
///
/// A state-changing request must come from our own pages: `Sec-Fetch-Site` says `same-origin`, or the `Origin` is the
/// host the request names, a forwarded host where forwarding is trusted, or one of the allowed origins. A request
/// with neither header is no browser's, and no cookie rides on it against its owner's will.
struct OriginCheck: Sendable {
    /// Origins that may call besides our own, as `https://example.org`.
    let allowedOrigins: Set<String>
    /// Whether `X-Forwarded-Host` comes from a proxy of our own.
    let trustsForwardedHeaders: Bool

    /// Whether the request may change something.
    func accepts(_ headers: HTTPFields, host: String?) -> Bool {
        let origin = headers[.origin]
        if let origin, allowedOrigins.contains(origin) { return true }
        if let site = headers[.secFetchSite] { return site == "same-origin" || site == "none" }
        guard let origin else { return true }
        guard let originHost = Self.host(ofOrigin: origin) else { return false }
        if originHost == host?.lowercased() { return true }
        return trustsForwardedHeaders && originHost == headers[.forwardedHost]?.lowercased()
    }

    /// The host and port of an origin, lower case; nil for `null` and for anything with a path or credentials.
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
    /// A sentence on how a job ended, for our script to show.
    static let dashNotice = constant("X-Dash-Notice")

    private static func constant(_ name: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(name) else { preconditionFailure("\(name) is not a header name") }
        return name
    }
}
