/// How long to wait before the next try: 50 ms after the first failure, twice as long after each further one, up to 2 s,
/// and up to half less by chance, so that many clients do not come back in one moment.
struct AMQPBackoff: Sendable {
    private var failures = 0

    mutating func reset() {
        failures = 0
    }

    /// The milliseconds to wait after one more failure.
    ///
    /// - Parameter chance: 0 to 1; 1 is the longest wait.
    mutating func next(chance: Double = .random(in: 0...1)) -> Int64 {
        let longest = min(2000, 50 << min(failures, 6))
        failures += 1
        return Int64(Double(longest) * (0.5 + chance / 2))
    }
}
