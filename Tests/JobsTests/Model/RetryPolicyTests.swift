import Testing

@testable import Jobs

@Suite("The delays between attempts")
struct RetryPolicyTests {
    @Test("grow by the factor up to the maximum")
    func exponential() {
        let policy = RetryPolicy.upTo(9, backoff: .exponential(first: .seconds(1), factor: 3, longest: .seconds(20)))
        #expect((1...5).map(policy.wait) == [.seconds(1), .seconds(3), .seconds(9), .seconds(20), .seconds(20)])
        #expect(policy.wait(afterFailures: 1_000_000) == .seconds(20))
    }

    @Test("are constant if requested")
    func constant() {
        let policy = RetryPolicy.upTo(9, backoff: .constant(.seconds(7)))
        #expect((1...3).map(policy.wait) == [.seconds(7), .seconds(7), .seconds(7)])
    }

    @Test("correct a factor below one and a limit below zero")
    func limits() {
        #expect(RetryPolicy.upTo(-1).limit == 0)
        let policy = RetryPolicy.upTo(5, backoff: .exponential(first: .seconds(1), factor: 0.1, longest: .seconds(9)))
        #expect(policy.wait(afterFailures: 5) == .seconds(1))
    }

    @Test("accept a factor of any size")
    func hugeFactor() {
        let policy = RetryPolicy.upTo(5, backoff: .exponential(first: .seconds(1), factor: 1e300, longest: .seconds(9)))
        #expect(policy.wait(afterFailures: 1) == .seconds(1))
        #expect(policy.wait(afterFailures: 2) == .seconds(9))
    }
}
