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
