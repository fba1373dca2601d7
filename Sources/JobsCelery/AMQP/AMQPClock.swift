import CRabbitMQ

/// The time in milliseconds.
enum AMQPClock {
    private static let start = ContinuousClock.now

    /// Of a clock that only goes forward, for deadlines of this process.
    static var now: Int64 {
        let passed = (ContinuousClock.now - start).components
        return passed.seconds * 1000 + passed.attoseconds / 1_000_000_000_000_000
    }

    /// Since 1970: etas are told in that.
    static var time: Int64 {
        var now = timeval()
        gettimeofday(&now, nil)
        return Int64(now.tv_sec) * 1000 + Int64(now.tv_usec) / 1000
    }
}
