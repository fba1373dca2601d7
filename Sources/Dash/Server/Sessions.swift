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
    private let signer: Signer
    /// The name of the cookie: `dash_` and eight hex digits of this site's own, so that two sites on one host do not mix.
    let cookieName: String

    init(signer: Signer) {
        self.signer = signer
        cookieName = "dash_" + signer.derivedName("cookie", hexDigits: 8)
    }

    /// A new session and the value of its cookie.
    func newSession() -> (session: String, cookie: String) {
        let session = Base64URL.random(byteCount: 16)
        return (session, signer.sign(session, purpose: "session"))
    }

    /// The session of a request's `Cookie` header, or nil when it carries none that we signed.
    func session(cookieHeader: String?) -> String? {
        Cookies.values(of: cookieName, in: cookieHeader).lazy.compactMap { signer.verify($0, purpose: "session") }.first
    }

    /// The `end_id` of a new page load served to `session`.
    func newPage(session: String) -> String {
        signer.sign(Base64URL.random(byteCount: 12) + "." + session, purpose: "end")
    }

    /// Who sent a request with this cookie header and this `endId`; nil when neither tells.
    func visitor(cookieHeader: String?, endID: String?) -> Visitor? {
        let sealed = endID.flatMap { signer.verify($0, purpose: "end") }?.split(separator: ".", maxSplits: 1)
        let page = sealed.flatMap { $0.count == 2 ? String($0[0]) : nil }
        if let session = session(cookieHeader: cookieHeader) { return Visitor(session: session, page: page) }
        guard let sealed, let page else { return nil }
        return Visitor(session: String(sealed[1]), page: page)
    }
}

/// Reads `Cookie` headers (RFC 6265 §5.4: `name=value` pairs joined by `; `).
enum Cookies {
    /// All pairs, in the order of the header.
    static func pairs(in header: String?) -> [(name: String, value: String)] {
        (header ?? "").split(separator: ";").compactMap { pair in
            guard let equals = pair.firstIndex(of: "=") else { return nil }
            let name = pair[..<equals].drop { $0 == " " }
            return (String(name), String(pair[pair.index(after: equals)...]))
        }
    }

    /// Every value that the header gives for `name`: a browser may send several of one name, of different paths.
    static func values(of name: String, in header: String?) -> [String] {
        pairs(in: header).filter { $0.name == name }.map(\.value)
    }
}
