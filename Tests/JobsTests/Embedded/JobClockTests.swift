import Testing

@testable import Jobs

@Suite("Times and durations")
struct JobClockTests {
    @Test("a duration of any length converts to milliseconds")
    func wholeMilliseconds() {
        #expect(Duration.milliseconds(1234).wholeMilliseconds == 1234)
        #expect(Duration.microseconds(-1999).wholeMilliseconds == -1)
        #expect(Duration.zero.wholeMilliseconds == 0)
        for long in [Duration.seconds(Int64.max), .seconds(Int64.max) * 4, .milliseconds(Int64.max)] {
            #expect(long.wholeMilliseconds == 1 << 61)
            #expect((.zero - long).wholeMilliseconds == -(1 << 61))
        }
    }

    @Test("times out of range are clamped")
    func times() {
        let time = WallTime(milliseconds: 1_800_000_000_000)
        let far = WallTime(milliseconds: .max)
        #expect(far + .seconds(1) == far)
        #expect(far - .seconds(-1) == far)
        #expect(WallTime(milliseconds: .min) - .seconds(Int64.max) == WallTime(milliseconds: .min))
        #expect(time + .seconds(Int64.max) > time)
        #expect(time - .seconds(Int64.max) < time)
        #expect(far - WallTime(milliseconds: .min) > .seconds(Int64.max / 1000))
        #expect(time + .milliseconds(5) - time == .milliseconds(5))
    }

    @Test("the system clock accepts the most distant deadline")
    func farDeadline() async {
        let clock = SystemJobClock()
        for deadline in [Duration.seconds(Int64.max), .seconds(Int64.max) * 4] {
            let wait = Task { try await clock.sleep(until: deadline) }
            wait.cancel()
            await #expect(throws: CancellationError.self) { try await wait.value }
        }
    }
}
