package import Jobs
import Testing

/// Checks of slots, orders and watermarks that every shared state must pass, on any server.
package struct SharedStateConformance: Sendable {
    /// One check.
    package struct Check: Sendable, CustomTestStringConvertible {
        /// The requirement.
        package var testDescription: String
        /// Performs the check with an empty shared state.
        package var run: @Sendable (SharedStateConformance) async throws -> Void

        init(_ promise: String, _ run: @escaping @Sendable (SharedStateConformance) async throws -> Void) {
            testDescription = promise
            self.run = run
        }
    }

    /// All checks.
    package static let checks: [Check] = [
        Check("a slot holds the last value of any server, and only a caller that knows the value can remove it") {
            try await $0.slots()
        },
        Check("a value with a lower order than the one in its slot is late") { try await $0.lowerOrder() },
        Check("a value without an order is never late, and the next one replaces it") { try await $0.noOrder() },
        Check("the order of a removed value still counts") { try await $0.emptyPlace() },
        Check("a watermark makes only older values that name it late") { try await $0.watermarks() },
        Check("a watermark is never lowered") { try await $0.lowerMark() },
        Check("orders are distinguished up to the highest") { try await $0.highOrders() },
        Check("the last 1000 of 10,000 watermarks count") { try await $0.manyMarks() },
    ]

    private let one: any SharedState
    private let two: any SharedState

    /// Creates the suite from the views of two servers of one empty shared state.
    package init(_ one: any SharedState, _ two: any SharedState) {
        self.one = one
        self.two = two
    }

    private func put(
        _ text: String,
        _ order: Int? = nil,
        in slot: String = "a",
        group: String = "page",
        watermarks: Set<String> = [],
        by sharedState: (any SharedState)? = nil
    ) async throws -> SlotReplacement {
        try await (sharedState ?? one).replace(
            slot,
            in: group,
            with: SharedValue(text, order: order),
            watermarks: watermarks,
            lifetime: .seconds(60)
        )
    }

    private func slots() async throws {
        #expect(try await put("1") == .placed(before: nil))
        #expect(try await put("2", by: two) == .placed(before: "1"))
        #expect(try await put("3", 7, in: "b") == .placed(before: nil))
        #expect(try await put("4", group: "other") == .placed(before: nil))
        #expect(try await one.values(in: "page") == ["a": SharedValue("2"), "b": SharedValue("3", order: 7)])
        #expect(try await !one.remove("a", in: "page", ifStill: "1"))
        #expect(try await one.remove("a", in: "page", ifStill: "2"))
        #expect(try await two.values(in: "page") == ["b": SharedValue("3", order: 7)])
    }

    private func lowerOrder() async throws {
        #expect(try await put("second", 2) == .placed(before: nil))
        #expect(try await put("first", 1, by: two) == .late)
        #expect(try await two.values(in: "page") == ["a": SharedValue("second", order: 2)])
        #expect(try await put("first", 1, in: "b") == .placed(before: nil))
        #expect(try await put("second again", 2, by: two) == .placed(before: "second"))
        #expect(try await put("third", 3) == .placed(before: "second again"))
    }

    private func noOrder() async throws {
        try await one.raiseWatermarks(["stop"], in: "page", with: 9)
        #expect(try await put("1", 10) == .placed(before: nil))
        #expect(try await put("2", watermarks: ["stop"], by: two) == .placed(before: "1"))
        #expect(try await one.values(in: "page") == ["a": SharedValue("2")])
        #expect(try await put("3", 1) == .placed(before: "2"))
    }

    private func emptyPlace() async throws {
        _ = try await put("second", 2)
        #expect(try await two.remove("a", in: "page", ifStill: "second"))
        #expect(try await put("first", 1) == .late)
        #expect(try await one.values(in: "page").isEmpty)
        #expect(try await put("first", 1, group: "other") == .placed(before: nil))
        #expect(try await put("third", 3) == .placed(before: nil))
    }

    private func watermarks() async throws {
        try await one.raiseWatermarks(["stop", "leave"], in: "page", with: 5)
        for mark in ["stop", "leave"] {
            #expect(try await put("older", 4, watermarks: [mark, "another"], by: two) == .late)
        }
        #expect(try await put("older", 4, watermarks: ["another"]) == .placed(before: nil))
        #expect(try await put("older", 4, in: "b", group: "other", watermarks: ["stop"]) == .placed(before: nil))
        #expect(try await put("newer", 6, watermarks: ["stop", "leave"], by: two) == .placed(before: "older"))
    }

    private func lowerMark() async throws {
        try await one.raiseWatermarks(["stop"], in: "page", with: 5)
        try await two.raiseWatermarks(["stop"], in: "page", with: 3)
        #expect(try await put("1", 4, watermarks: ["stop"]) == .late)
        try await two.raiseWatermarks(["stop"], in: "page", with: 7)
        #expect(try await put("1", 6, watermarks: ["stop"]) == .late)
    }

    private func highOrders() async throws {
        let highest = 1 << 52
        try await one.raiseWatermarks(["stop"], in: "page", with: highest)
        #expect(try await put("1", highest - 1, watermarks: ["stop"], by: two) == .late)
        #expect(try await put("1", highest, watermarks: ["stop"], by: two) == .placed(before: nil))
        #expect(try await put("2", highest - 1) == .late)
        #expect(try await two.remove("a", in: "page", ifStill: "1"))
        #expect(try await put("2", highest - 1) == .late)
    }

    private func manyMarks() async throws {
        for hundred in 1...100 {
            try await one.raiseWatermarks(Set((1...100).map { "row \(hundred) \($0)" }), in: "page", with: hundred)
        }
        for hundred in 91...100 {
            #expect(try await put("older", hundred - 1, watermarks: ["row \(hundred) 50"], by: two) == .late)
        }
    }
}
