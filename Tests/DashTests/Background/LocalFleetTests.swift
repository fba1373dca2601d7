import Testing

@testable import Dash

@Suite("What one server keeps of its pages")
struct LocalFleetTests {
    private let fleet = LocalFleet()

    @Test("A place holds the last value, and is emptied by whoever knows it")
    func places() {
        #expect(fleet.replace("a", in: "page", with: "1", lifetime: .zero) == nil)
        #expect(fleet.replace("a", in: "page", with: "2", lifetime: .zero) == "1")
        #expect(fleet.replace("a", in: "other", with: "3", lifetime: .zero) == nil)
        #expect(fleet.values(in: "page") == ["a": "2"])
        #expect(!fleet.remove("a", in: "page", ifStill: "1"))
        #expect(fleet.remove("a", in: "page", ifStill: "2"))
        #expect(fleet.values(in: "page").isEmpty)
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
