import DashJSON
import Foundation
import HTTPTypes
import Testing

@testable import Dash

@Suite("Comparison with recorded exchanges of stock Dash 4.4.1")
struct ConformanceTests {
    @Test("every recording is replayed")
    func complete() throws {
        #expect(try Set(Recording.names) == Set(ConformanceApp.all.keys))
    }

    @Test("every allowed difference belongs to a replayed exchange")
    func allowedExchanges() throws {
        for allowed in Allowed.exchanges {
            #expect(try Recording(allowed.recording).exchanges.indices.contains(allowed.line - 1))
        }
    }

    @Test("the documentation lists the same differences")
    func documentation() throws {
        let text = try String(contentsOfFile: Recording.folder + "/../../../docs/conformance.md", encoding: .utf8)
        for allowed in Allowed.exchanges {
            #expect(text.contains("| \(allowed.recording) \(allowed.line) | \(allowed.status) | \(allowed.reason) |"))
        }
        for (member, reason) in Allowed.configuration { #expect(text.contains("| `\(member)` | \(reason) |")) }
        #expect(text.matches(of: /(?m)^\| [a-z_]+ \d+ \|/).count == Allowed.exchanges.count)
    }

    @Test("layout, dependencies and configuration are the same", arguments: ConformanceApp.all.keys.sorted())
    func declarations(name: String) async throws {
        let recording = try Recording(name)
        try await serve(name) { app, visit in
            let layout = try await visit.ask(.get, app.path + "_dash-layout").json
            #expect(Allowed.normalized(layout) == Allowed.normalized(recording.layout))
            let own = try await visit.ask(.get, app.path + "_dash-dependencies").json.arrayValue ?? []
            #expect(own.count == recording.dependencies.count)
            for (ours, theirs) in zip(own, recording.dependencies) {
                #expect(Allowed.normalizedDependency(ours) == Allowed.normalizedDependency(theirs))
            }
            let config = try #require(try await visit.ask(.get, app.path).config?.objectValue)
            for (key, value) in recording.config.objectValue ?? [:] where Allowed.configuration[key] == nil {
                #expect(config[key].map(Allowed.normalized) == Allowed.normalized(value), "\(key)")
            }
            #expect(app.app.findings.map(\.description) == [])
        }
    }

    @Test("the responses are the same")
    func answers() async throws {
        var (equal, all) = (0, 0)
        for name in try Recording.names {
            let recording = try Recording(name)
            all += recording.exchanges.count
            equal += try await replay(recording)
        }
        print("\(equal) of \(all) exchanges equal")
    }

    /// - Returns: The number of equal exchanges.
    private func replay(_ recording: Recording) async throws -> Int {
        try await serve(recording.name) { app, visit in
            let replay = try await Replay(recording, of: app, visit: visit)
            var equal = 0
            for exchange in recording.exchanges {
                switch try await replay.play(exchange) {
                case .equal: equal += 1
                case .allowed: break
                case .different(let what): Issue.record("\(recording.name) \(exchange.line) \(exchange.note): \(what)")
                }
            }
            return equal
        }
    }

    private func serve<Result: Sendable>(
        _ name: String,
        _ test: @Sendable (ConformanceApp, Visit) async throws -> Result
    ) async throws -> Result {
        let app = try #require(ConformanceApp.all[name]?())
        let site = DashSite(app.site)
        site.mount(app.app, at: app.site.pathPrefix == "/" ? app.path : "/")
        var options = TestSite.Options()
        options.longestHold = .milliseconds(100)
        let result = Box<Result>()
        try await TestSite(site: site, options).serve(app.setup) { visit in
            result.value = try await test(app, visit)
        }
        return try #require(result.value)
    }
}
