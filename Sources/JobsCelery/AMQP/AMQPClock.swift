/// The time in milliseconds, of a clock that only goes forward: for deadlines of this process.
enum AMQPClock {
    private static let start = ContinuousClock.now

    static var now: Int64 {
        let passed = (ContinuousClock.now - start).components
        return passed.seconds * 1000 + passed.attoseconds / 1_000_000_000_000_000
    }
}
