import Support
import Testing

@Suite("A signal")
struct AsyncSignalTests {
    @Test("is kept for the next waiter, several as one")
    func kept() async {
        let signal = AsyncSignal()
        for _ in 0..<3 { signal.signal() }
        #expect(await signal.wait())
        #expect(await !signal.wait(atMost: .milliseconds(1)), "the three count as one")
    }

    @Test("wakes all waiters, each once")
    func wakesAll() async {
        let signal = AsyncSignal()
        let ready = AsyncStream<Int>.makeStream()
        await withTaskGroup(of: Bool.self) { group in
            for number in 0..<20 {
                group.addTask {
                    ready.continuation.yield(number)
                    return await signal.wait()
                }
            }
            var begun = 0
            for await _ in ready.stream {
                begun += 1
                if begun == 20 { break }
            }
            // A task that has reported that it begins may not wait yet; each signal wakes the current waiters.
            var woken = 0
            while woken < 20 {
                signal.signal()
                if await group.next() == true { woken += 1 }
            }
            #expect(woken == 20)
        }
    }

    @Test("ends all waits when finished, but a kept signal is still received")
    func finished() async {
        let signal = AsyncSignal()
        async let first = signal.wait(atMost: .seconds(60))
        signal.finish()
        #expect(await !first)
        let kept = AsyncSignal()
        kept.signal()
        kept.finish()
        #expect(await kept.wait())
        #expect(await !kept.wait())
    }

    @Test("is not consumed by a cancelled task")
    func cancelled() async {
        let signal = AsyncSignal()
        let task = Task { await signal.wait() }
        task.cancel()
        #expect(await !task.value)
        signal.signal()
        let late = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await signal.wait()
        }
        #expect(await !late.value)
        #expect(await signal.wait())
    }

    @Test("does not miss any of 10,000 signals from several tasks")
    func neverMissed() async {
        let signal = AsyncSignal()
        let counts = AsyncStream<Int>.makeStream(bufferingPolicy: .bufferingNewest(1))
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask { for _ in 0..<2500 { signal.signal() } }
            }
            group.addTask {
                while await signal.wait() {}
                counts.continuation.yield(1)
            }
            for _ in 0..<4 { await group.next() }
            signal.finish()
            #expect(await counts.stream.first { _ in true } == 1)
        }
    }
}
