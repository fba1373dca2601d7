import Testing

@testable import Jobs

@Suite("Slots and watermarks in memory")
struct SharedSlotsTests {
    @Test("Remembered orders use bounded memory, and the latest ones are kept")
    func bounded() {
        var slots = SharedSlots()
        let capacity = RememberedOrders.capacity
        for number in 1...capacity * 5 / 2 {
            let value = SharedValue("\(number)", order: number)
            _ = slots.replace("\(number)", in: "page", with: value, watermarks: [])
            _ = slots.remove("\(number)", in: "page", ifStill: value.text)
        }
        #expect(slots.orders.count <= 2 * capacity)
        #expect(slots.values(in: "page").isEmpty)
        let last = capacity * 5 / 2
        for number in [last, last - capacity / 2, last - capacity + 1] {
            let older = SharedValue("older", order: number - 1)
            let placing = slots.replace("\(number)", in: "page", with: older, watermarks: [])
            #expect(placing == .late)
        }
    }
}
