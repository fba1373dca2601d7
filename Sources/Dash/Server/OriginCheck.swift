import HTTPTypes

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
