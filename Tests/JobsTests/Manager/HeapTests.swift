import Testing

@testable import Jobs

@Suite("The queue of least elements")
struct HeapTests {
    @Test("gives elements in order, whatever the order they came in")
    func sorts() {
        var random = SeededRandom(seed: 1)
        for count in 0..<200 {
            let numbers = (0..<count).map { _ in Int.random(in: 0..<50, using: &random) }
            var heap = Heap<Int>()
            for number in numbers { heap.insert(number) }
            #expect(heap.count == count)
            var sorted: [Int] = []
            while let least = heap.popFirst() { sorted.append(least) }
            #expect(sorted == numbers.sorted())
            #expect(heap.isEmpty)
        }
    }

    @Test("the finished jobs are given oldest first, and their bytes are counted")
    func finished() {
        var finished = FinishedJobs()
        let ids = (0..<500).map { _ in JobID.new }
        for id in ids { finished.append(id, bytes: 2) }
        for id in ids.prefix(400) {
            #expect(finished.oldest == id)
            finished.removeOldest()
        }
        #expect(finished.count == 100)
        #expect(finished.bytes == 200)
    }
}

/// The same numbers for the same seed.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
