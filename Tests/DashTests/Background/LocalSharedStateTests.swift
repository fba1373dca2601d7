import JobsConformance
import Testing

@testable import Dash

@Suite("What one server keeps of its pages")
struct LocalSharedStateTests {
    private let sharedState = LocalSharedState()

    @Test("It keeps its word about places and orders", arguments: SharedStateConformance.checks)
    func keepsItsWord(_ check: SharedStateConformance.Check) async throws {
        try await check.run(SharedStateConformance(sharedState, sharedState))
    }

    @Test("What is made once is made once, also when all ask at the same time")
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

    @Test("What could not be made is tried again by the next")
    func onceAgain() async throws {
        await #expect(throws: PreventUpdate.self) {
            try await sharedState.memoize("x", lifetime: .seconds(60)) { throw PreventUpdate() }
        }
        #expect(try await sharedState.memoize("x", lifetime: .seconds(60)) { [7] } == [7])
    }

    @Test("A pause ends by itself")
    func pauses() throws {
        #expect(sharedState.cooldown("x") == nil)
        sharedState.startCooldown("x", for: .seconds(3600))
        #expect(try #require(sharedState.cooldown("x")) > .seconds(3000))
        sharedState.startCooldown("x", for: .zero)
        #expect(sharedState.cooldown("x") == nil)
    }
}
