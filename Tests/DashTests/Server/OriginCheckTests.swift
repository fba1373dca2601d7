import HTTPTypes
import Testing

@testable import Dash

@Suite("S8: requests sent through another site's page")
struct OriginCheckTests {
    private let check = makeCheck(allowedOrigins: ["https://friend.example"])

    private static func makeCheck(allowedOrigins: Set<String>, trustsForwardedHeaders: Bool = false) -> OriginCheck {
        var configuration = SiteConfiguration()
        configuration.allowedOrigins = allowedOrigins
        configuration.trustsForwardedHeaders = trustsForwardedHeaders
        return OriginCheck(configuration)
    }

    @Test(
        "Requests from the site's own pages and from other programs are accepted",
        arguments: [
            [:], [.secFetchSite: "same-origin"], [.secFetchSite: "none"], [.origin: "http://site.example:8050"],
            [.origin: "https://SITE.example:8050"], [.origin: "https://friend.example", .secFetchSite: "cross-site"],
        ] as [HTTPFields]
    )
    func accepted(headers: HTTPFields) {
        #expect(check.accepts(headers, host: "site.example:8050"))
    }

    @Test(
        "Foreign, null, similar and malformed origins are rejected",
        arguments: [
            [.secFetchSite: "cross-site"], [.secFetchSite: "same-site"], [.origin: "null"],
            [.origin: "http://evil.example"],
            [.origin: "http://site.example"], [.origin: "http://site.example:8050.evil.example"],
            [.origin: "http://evil.example/@site.example:8050"], [.origin: "http://site.example:8050@evil.example"],
            [.origin: "site.example:8050"], [.origin: "http://"], [.origin: "file://site.example:8050"],
        ] as [HTTPFields]
    )
    func refused(headers: HTTPFields) {
        #expect(!check.accepts(headers, host: "site.example:8050"))
    }

    @Test("A forwarded host is used only if forwarded headers are trusted")
    func forwardedHost() {
        let headers: HTTPFields = [.origin: "https://public.example", .forwardedHost: "public.example"]
        #expect(!check.accepts(headers, host: "127.0.0.1:8050"))
        let trusting = Self.makeCheck(allowedOrigins: [], trustsForwardedHeaders: true)
        #expect(trusting.accepts(headers, host: "127.0.0.1:8050"))
    }
}
