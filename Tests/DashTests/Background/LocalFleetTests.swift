import JobsConformance
import Testing

@testable import Dash

@Suite("What one server keeps of its pages")
struct LocalFleetTests {
    private let fleet = LocalFleet()

    @Test("It keeps its word about places and orders", arguments: JobFleetConformance.checks)
    func keepsItsWord(_ check: JobFleetConformance.Check) async throws {
        try await check.run(JobFleetConformance(fleet, fleet))
    }

    @Test("What is made once is made once, also when all ask at the same time")
    func once() async throws {
        let counter = Counter()
        let made = try await withThrowingTaskGroup(of: [UInt8].self) { group in
            for _ in 0..<20 {
                group.addTask { [fleet] in
                    try await fleet.once("x", lifetime: .seconds(60)) {
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
            try await fleet.once("x", lifetime: .seconds(60)) { throw PreventUpdate() }
        }
        #expect(try await fleet.once("x", lifetime: .seconds(60)) { [7] } == [7])
    }

    @Test("A pause ends by itself")
    func pauses() throws {
        #expect(fleet.rest(ofPause: "x") == nil)
        fleet.pause("x", for: .seconds(3600))
        #expect(try #require(fleet.rest(ofPause: "x")) > .seconds(3000))
        fleet.pause("x", for: .zero)
        #expect(fleet.rest(ofPause: "x") == nil)
    }
}
