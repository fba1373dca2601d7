import Testing

@testable import Jobs

@Suite("Places and marks in memory")
struct FleetPlacesTests {
    @Test("Orders of ended jobs and of cancels take a bounded part of memory, and the last of them count")
    func bounded() {
        var places = FleetPlaces()
        let capacity = RememberedOrders.capacity
        for number in 1...capacity * 5 / 2 {
            let value = FleetValue("\(number)", order: number)
            _ = places.replace("\(number)", in: "page", with: value, marks: [])
            _ = places.remove("\(number)", in: "page", ifStill: value.text)
        }
        #expect(places.orders.count <= 2 * capacity)
        #expect(places.values(in: "page").isEmpty)
        let last = capacity * 5 / 2
        for number in [last, last - capacity / 2, last - capacity + 1] {
            let older = FleetValue("older", order: number - 1)
            let placing = places.replace("\(number)", in: "page", with: older, marks: [])
            #expect(placing == .late)
        }
    }
}
