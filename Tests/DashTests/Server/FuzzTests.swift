import DashJSON
import HTTPTypes
import Testing

@testable import Dash

/// Reproducible random numbers (SplitMix64).
private struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// The bytes with a few changes: replaced, flipped, removed, duplicated, rotated or inserted.
    mutating func mutated(_ bytes: [UInt8], alphabet: [UInt8]) -> [UInt8] {
        var result = bytes
        for _ in 0..<Int.random(in: 1...4, using: &self) {
            let place = result.isEmpty ? 0 : Int.random(in: 0..<result.count, using: &self)
            let end = min(result.count, place + Int.random(in: 1...12, using: &self))
            switch Int.random(in: 0..<6, using: &self) {
            case 0 where !result.isEmpty: result[place] = alphabet.randomElement(using: &self) ?? 0
            case 1 where !result.isEmpty: result[place] ^= 1 << UInt8.random(in: 0..<8, using: &self)
            case 2: result.removeSubrange(place..<end)
            case 3: result.insert(contentsOf: result[place..<end], at: place)
            case 4: result = Array(result[place...] + result[..<place])
            default: result.insert(alphabet.randomElement(using: &self) ?? 0, at: place)
            }
        }
        return result
    }
}

@Suite("Random mutations")
struct FuzzTests {
    private static let urlSafe = Array("ABCabc019-_.~%=".utf8)
    private let body = call("out.children", ["run.n_clicks": 1])

    /// Runs a test with a page whose job has a secret result, and another browser's page.
    private func withSecret(
        _ test: @Sendable (_ page: Page, _ stranger: Page, _ job: String) async throws -> Void
    ) async throws {
        let stage = Stage()
        let app = DashApp()
        app.layout = html.Div()
        app.backgroundCallback(Output("out", "children"), Input("run", "n_clicks"), cancel: [Input<JSON>("stop", "n")])
        {
            (_: Int) in
            try await stage.wait(for: "end")
            return "top secret"
        }
        app.callback(Output("echo", "children"), Input("v", "value"), State("s", "value")) { (v: JSON, s: JSON) in
            [v, s]
        }
        let site = try TestSite(app) { $0.longestHold = .zero }
        try await site.serve { visit in
            let (page, stranger) = (try await visit.open(), try await visit.open())
            let job = try await page.start(body)
            try await test(page, stranger, job)
            // The attempts had no effect on the job.
            stage.open("end")
            try await site.manager.end(of: try #require(site.manager.started.first))
            #expect(try await page.poll(body, job).json["response"]["out"]["children"] == "top secret")
        }
    }

    @Test("S1: a mutated handle, token or cookie neither reads nor cancels a job")
    func handles() async throws {
        try await withSecret { page, stranger, job in
            var random = Seeded(state: 1)
            for round in 0..<600 {
                let forged = String(decoding: random.mutated(Array(job.utf8), alphabet: Self.urlSafe), as: UTF8.self)
                guard forged != job else { continue }
                var asker = round % 3 == 0 ? stranger : page
                if round % 3 == 1 {
                    let token = random.mutated(Array(page.endID.utf8), alphabet: Self.urlSafe)
                    asker.endID = String(decoding: token, as: UTF8.self)
                }
                let answer = try await asker.post(body, "job=\(forged)&n=\(round)")
                #expect(answer.status == 403, "\(forged)")
                let cancel = call("echo.children", ["v.value": 1], state: ["s.value": 2])
                let click = try await asker.post(cancel, "cancelJob=\(forged)&oldJob=\(forged)")
                #expect(click.status == 200, "\(forged)")
            }
        }
    }

    @Test("S4: a mutated body gets a regular response, never a crash, 400, 401, a redirect or another user's data")
    func bodies() async throws {
        try await withSecret { page, stranger, job in
            var random = Seeded(state: 2)
            let alphabet = Array(#"{}[]",:.@\u0019eE+-truefalsn "#.utf8) + [0, 0x7F, 0xC3, 0xA9, 0xFF]
            let seeds = [
                call("echo.children", ["v.value": ["a": [1, 2.5, "x\u{1F600}"]]], state: ["s.value": .null])
                    .serialized(),
                body.serialized(),
            ]
            for round in 0..<1200 {
                let bytes = random.mutated(seeds[round % 2], alphabet: alphabet)
                let answer = try await stranger.post(bytes: bytes, round % 2 == 1 ? "job=\(job)" : "")
                #expect(
                    [200, 204, 403, 413, 422, 500].contains(answer.status),
                    "\(String(decoding: bytes, as: UTF8.self))"
                )
                #expect(!answer.text.contains("secret"))
                if answer.status == 200 { #expect(!answer.json.isNull) }
            }
        }
    }

    @Test("S9: mutated paths and queries find registered files, pages or nothing")
    func paths() async throws {
        try await withSecret { page, _, job in
            var random = Seeded(state: 3)
            let alphabet = Array("/.%2eE5cC\\?&=;~*:".utf8)
            let seeds = [
                "/_dash-component-suites/dash/dcc/async-graph.js", "/assets/a.css?m=1", "/_dash-layout",
                "/_dash-update-component?endId=\(page.endID)&job=\(job)", "/one",
            ]
            for round in 0..<600 {
                let mutated = random.mutated(Array(seeds[round % seeds.count].utf8), alphabet: alphabet)
                let path = "/" + String(decoding: mutated.filter { $0 > 0x20 && $0 < 0x7F }, as: UTF8.self)
                let answer = try await page.visit.ask(.get, path)
                #expect([200, 404].contains(answer.status), "\(path)")
                #expect(!answer.text.contains("root:") && !answer.text.contains("secret"))
            }
        }
    }
}
