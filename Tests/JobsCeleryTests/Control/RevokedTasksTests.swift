import Testing

@testable import JobsCelery

@Suite struct RevokedTasksTests {
    private let start = ContinuousClock.now

    @Test("beyond the maximum the oldest ids are dropped") func many() {
        var ids = RecentIDs(maximum: 3, lifetime: .seconds(10))
        for id in ["a", "b", "c", "a", "d"] { ids.insert(id, at: start) }
        #expect(ids.all(at: start) == ["b", "c", "d"])
        ids.insert("b", at: start + .seconds(1))
        ids.insert("e", at: start + .seconds(1))
        #expect(ids.all(at: start + .seconds(1)) == ["d", "b", "e"])
        #expect(!ids.contains("c", at: start))
    }

    @Test("ids are dropped after their lifetime") func old() {
        var ids = RecentIDs(maximum: 100, lifetime: .seconds(10))
        ids.insert("a", at: start)
        ids.insert("b", at: start + .seconds(5))
        #expect(ids.contains("a", at: start + .seconds(9)))
        #expect(!ids.contains("a", at: start + .seconds(10)))
        #expect(ids.all(at: start + .seconds(10)) == ["b"])
        ids.insert("a", at: start + .seconds(11))
        #expect(ids.all(at: start + .seconds(11)) == ["b", "a"])
    }

    @Test("repeating an id keeps the others") func repeated() {
        var ids = RecentIDs(maximum: 10, lifetime: .seconds(1_000_000))
        ids.insert("first", at: start)
        for second in 1...10_000 { ids.insert("a", at: start + .seconds(second)) }
        #expect(ids.all(at: start + .seconds(10_001)) == ["first", "a"])
    }
}
