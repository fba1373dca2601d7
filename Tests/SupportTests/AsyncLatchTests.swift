import NIOCore
import NIOPosix
import Support
import Testing

@Suite("A latch")
struct AsyncLatchTests {
    struct Failure: Error, Equatable {
        var number = 0
    }

    private let loop = MultiThreadedEventLoopGroup.singleton.next()

    @Test("returns its value to current and later waiters")
    func value() async throws {
        let latch = AsyncLatch<Int>()
        #expect(latch.current == nil)
        async let first = latch.wait()
        async let second = latch.wait()
        latch.settle(.success(7))
        #expect(try await [first, second, latch.wait()] == [7, 7, 7])
        #expect(latch.current == 7)
    }

    @Test("throws its error at all waiters until it has a value")
    func error() async throws {
        let latch = AsyncLatch<Int>()
        let first = Task { try await latch.wait() }
        latch.settle(.failure(Failure(number: 1)))
        await #expect(throws: Failure(number: 1)) { try await first.value }
        await #expect(throws: Failure(number: 1)) { try await latch.wait() }
        #expect(latch.current == nil)
        latch.settle(.success(1))
        #expect(try await latch.wait() == 1)
    }

    @Test("blocks again after it is cleared")
    func cleared() async throws {
        let latch = AsyncLatch<Int>()
        latch.settle(.success(1))
        latch.clear { $0 == 2 }
        #expect(latch.current == 1)
        latch.clear { $0 == 1 }
        #expect(latch.current == nil)
        async let value = latch.wait(for: .seconds(60), on: loop) { Failure() }
        latch.settle(.success(3))
        #expect(try await value == 3)
        latch.clear()
        #expect(latch.current == nil)
    }

    @Test("supports a timeout")
    func late() async throws {
        let latch = AsyncLatch<Int>()
        await #expect(throws: Failure(number: 9)) {
            try await latch.wait(for: .milliseconds(1), on: loop) { Failure(number: 9) }
        }
        latch.settle(.success(1))
        #expect(try await latch.wait(for: .zero, on: loop) { Failure() } == 1)
    }

    @Test("throws at a cancelled task before or while it waits, but returns an existing value")
    func cancelled() async throws {
        let latch = AsyncLatch<Void>()
        let waiting = Task { try await latch.wait() }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        let cancelled = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await latch.wait()
        }
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        latch.open()
        let late = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await latch.wait()
        }
        try await late.value
    }

    @Test("ignores cancellation in a wait with a timeout")
    func timedWaitIgnoresCancellation() async throws {
        let latch = AsyncLatch<Int>()
        let waiting = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await latch.wait(for: .seconds(60), on: loop) { Failure() }
        }
        latch.settle(.success(5))
        #expect(try await waiting.value == 5)
    }
}
