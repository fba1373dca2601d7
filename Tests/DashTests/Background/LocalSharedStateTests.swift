import JobsConformance
import Testing

@testable import Dash

@Suite("The shared state of one server")
struct LocalSharedStateTests {
    private let sharedState = LocalSharedState()

    @Test("It meets the requirements of slots and orders", arguments: SharedStateConformance.checks)
    func keepsItsWord(_ check: SharedStateConformance.Check) async throws {
        try await check.run(SharedStateConformance(sharedState, sharedState))
    }

    @Test("Concurrent callers share one memoized value")
    func memoize() async throws {
        let counter = Counter()
        let made = try await withThrowingTaskGroup(of: [UInt8].self) { group in
            for _ in 0..<20 {
                group.addTask { [sharedState] in
                    try await sharedState.memoize("x", lifetime: .seconds(60)) {
                        await Task.yield()
                        return [UInt8(counter.count())]
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(made == Array(repeating: [1], count: 20))
    }

    @Test("The next caller retries after an error")
    func onceAgain() async throws {
        await #expect(throws: PreventUpdate.self) {
            try await sharedState.memoize("x", lifetime: .seconds(60)) { throw PreventUpdate() }
        }
        #expect(try await sharedState.memoize("x", lifetime: .seconds(60)) { [7] } == [7])
    }

    @Test("A cooldown expires")
    func pauses() throws {
        #expect(sharedState.cooldown("x") == nil)
        sharedState.startCooldown("x", for: .seconds(3600))
        #expect(try #require(sharedState.cooldown("x")) > .seconds(3000))
        sharedState.startCooldown("x", for: .zero)
        #expect(sharedState.cooldown("x") == nil)
    }
}
