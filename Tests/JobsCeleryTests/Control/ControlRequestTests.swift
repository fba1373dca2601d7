import DashJSON
import Testing

@testable import CeleryProtocol
@testable import JobsCelery

@Suite struct ControlRequestTests {
    @Test("recorded requests are read with all their members") func recorded() throws {
        let ping = try #require(RecordedControl.named("redis/pidbox-ping-pattern"))
        let request = try ControlRequest(ping.request)
        #expect(request.method == "ping")
        #expect(request.pattern == "worker*")
        #expect(request.matcher == "glob")
        #expect(request.clock == 13)
        #expect(request.replyTo?.exchange == "reply.celery.pidbox")
        let limit = try ControlRequest(try #require(RecordedControl.named("redis/pidbox-time-limit")).request)
        #expect(limit.arguments == ["task_name": "lab.add", "hard": 20, "soft": 10])
        let shutdown = try ControlRequest(try #require(RecordedControl.named("redis/pidbox-shutdown")).request)
        #expect(shutdown.replyTo == nil)
        #expect(shutdown.destination == ["worker1@host"])
    }

    @Test("a request round-trips and equals Celery's") func written() throws {
        let recorded = try #require(RecordedControl.named("redis/pidbox-shutdown")).request
        let request = try ControlRequest(recorded)
        let ours = request.message(expires: recorded.headers["expires"]?.doubleValue ?? 0)
        #expect(try ControlRequest(ours) == request)
        #expect(ours.headers == recorded.headers)
        #expect(RecordedFixture.body(ours) == RecordedFixture.body(recorded))
        #expect(ours.exchange == "celery.pidbox")
        #expect(ours.routingKey == "")
    }

    @Test(
        "a request without a method is refused",
        arguments: ["", "[]", "{}", "{\"method\": 1}", "no JSON", "null"]
    ) func malformed(text: String) {
        #expect(throws: CeleryError.self) { try ControlRequest(BrokerMessage(body: Array(text.utf8))) }
    }

    @Test("members of the wrong type count as missing") func odd() throws {
        let text = #"{"method": "ping", "arguments": 3, "destination": "a", "pattern": 1, "reply_to": {"exchange": 1}}"#
        let request = try ControlRequest(BrokerMessage(headers: ["clock": "x"], body: Array(text.utf8)))
        #expect(request == ControlRequest(method: "ping", destination: ["a"]))
    }

    @Test("a request addresses the nodes of its list, or those that match its pattern, or all") func concerns() {
        var request = ControlRequest(method: "ping")
        #expect(request.concerns("a@b"))
        request.pattern = "c*"
        #expect(request.concerns("a@b"), "a pattern without a matcher is ignored")
        request.matcher = "glob"
        #expect(!request.concerns("a@b"))
        request.pattern = "a@?"
        #expect(request.concerns("a@b"))
        request.matcher = "pcre"
        request.pattern = "[a-z]@"
        #expect(request.concerns("a@b"))
        #expect(!request.concerns("1@b"))
        request.pattern = "("
        #expect(!request.concerns("a@b"))
        request.destination = ["x@y"]
        #expect(!request.concerns("a@b"))
        #expect(request.concerns("x@y"))
    }

    @Test(
        "patterns match as in Python's fnmatch",
        arguments: [
            ("*", "", true), ("a*c", "abbc", true), ("a*c", "abbd", false), ("*a*b", "xaxb", true), ("?", "", false),
            ("[ab]x", "bx", true), ("[!ab]x", "bx", false), ("[!ab]x", "cx", true), ("[a-c]", "b", true),
            ("w*@*", "worker1@host", true), ("a.b", "axb", false), ("(a|b)", "a", false), ("a{2}", "aa", false),
            ("a\\d", "a1", false), ("[^a]", "^", true), ("a+", "aa", false), ("a_b-c.d", "a_b-c.d", true),
        ]
    ) func glob(pattern: String, text: String, fits: Bool) {
        #expect(ControlRequest(method: "ping", pattern: pattern, matcher: "glob").concerns(text) == fits)
    }

    @Test("a pattern with many stars is matched quickly") func hard() {
        let pattern = String(repeating: "a*", count: 50) + "b"
        let request = ControlRequest(method: "ping", pattern: pattern, matcher: "glob")
        #expect(!request.concerns(String(repeating: "a", count: 500)))
        #expect(request.concerns(String(repeating: "a", count: 500) + "b"))
    }

    @Test("an invalid pattern addresses no node", arguments: ["[a", "a[", "[z-a]", "[]", "[!]"])
    func invalid(pattern: String) {
        for text in ["a", "m", pattern, ""] {
            #expect(!ControlRequest(method: "ping", pattern: pattern, matcher: "glob").concerns(text))
        }
    }
}
