import Jobs
import Testing

@testable import Dash

@Suite("Signed tokens")
struct SignerTests {
    private let signer = Signer(secret: Array("0123456789abcdef".utf8))

    @Test("A token round-trips its value")
    func roundTrip() {
        let token = signer.sign("value~x", purpose: "p", boundTo: ["owner", "page"])
        #expect(signer.verify(token, purpose: "p", boundTo: ["owner", "page"]) == "value~x")
        #expect(
            token.utf8.allSatisfy {
                Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~".utf8).contains($0)
            }
        )
    }

    @Test("S1: altered, truncated, empty and foreign tokens are invalid")
    func forgedTokens() {
        let token = signer.sign("value", purpose: "p", boundTo: ["owner"])
        for index in token.indices {
            var forged = token
            forged.replaceSubrange(index...index, with: token[index] == "A" ? "B" : "A")
            #expect(signer.verify(forged, purpose: "p", boundTo: ["owner"]) == nil)
            #expect(signer.verify(String(token[..<index]), purpose: "p", boundTo: ["owner"]) == nil)
        }
        #expect(signer.verify(token, purpose: "q", boundTo: ["owner"]) == nil)
        #expect(signer.verify(token, purpose: "p", boundTo: ["another"]) == nil)
        #expect(signer.verify(token, purpose: "p", boundTo: ["owner", "more"]) == nil)
        #expect(signer.verify("", purpose: "p", boundTo: ["owner"]) == nil)
        #expect(signer.verify(String(repeating: "x", count: 100_000), purpose: "p", boundTo: ["owner"]) == nil)
        let other = Signer(secret: Array("fedcba9876543210".utf8))
        #expect(other.verify(token, purpose: "p", boundTo: ["owner"]) == nil)
    }

    @Test("S1: a job's handle is bound to its owner and its page")
    func handlesAreBound() {
        let handles = JobHandle(signer: signer)
        let job = JobID.new
        let handle = handles.make(job, owner: "ada", page: "1")
        #expect(handles.read(handle, owner: "ada", page: "1") == job)
        #expect(handles.read(handle, owner: "bob", page: "1") == nil)
        #expect(handles.read(handle, owner: "ada", page: "2") == nil)
        #expect(handles.read("", owner: "ada", page: "1") == nil)
        #expect(handles.read("1234", owner: "ada", page: "1") == nil)
    }
}

@Suite("Sessions")
struct SessionsTests {
    private let sessions = Sessions(signer: Signer(secret: Array("0123456789abcdef".utf8)))

    @Test("The cookie's session takes precedence over the page's sealed session")
    func theCookieCounts() {
        let (session, cookie) = sessions.newSession()
        let endID = sessions.newPage(session: "sealed")
        let visitor = sessions.visitor(cookieHeader: "x=1; \(cookie.name)=\(cookie.value)", endID: endID)
        #expect(visitor?.session == session)
        #expect(visitor?.page != nil)
    }

    @Test("Of two sessions in one browser, the page's own is used, in any order of cookies")
    func theOwnSessionCounts() {
        let (first, second) = (sessions.newSession(), sessions.newSession())
        #expect(first.cookie.name != second.cookie.name)
        let header = [first, second].map { "\($0.cookie.name)=\($0.cookie.value)" }.joined(separator: "; ")
        for session in [first.session, second.session] {
            let endID = sessions.newPage(session: session)
            #expect(sessions.visitor(cookieHeader: header, endID: endID)?.session == session)
        }
    }

    @Test("A page in a foreign frame, without cookies, has the sealed session")
    func theSealedSessionCounts() {
        let endID = sessions.newPage(session: "sealed")
        #expect(sessions.visitor(cookieHeader: nil, endID: endID)?.session == "sealed")
        #expect(sessions.visitor(cookieHeader: "dash_01234567=forged.abc", endID: endID)?.session == "sealed")
    }

    @Test("S2: without a signed cookie or page there is no visitor")
    func noOwner() {
        #expect(sessions.visitor(cookieHeader: nil, endID: nil) == nil)
        #expect(sessions.visitor(cookieHeader: nil, endID: "abc.def.123") == nil)
        #expect(sessions.visitor(cookieHeader: "dash_01234567=", endID: "") == nil)
    }

    @Test("The cookie's name is dash_ and eight hex digits")
    func cookieName() {
        let name = sessions.newSession().cookie.name
        #expect(name.wholeMatch(of: /dash_[0-9a-f]{8}/) != nil)
    }
}
