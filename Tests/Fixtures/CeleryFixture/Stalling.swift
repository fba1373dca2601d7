// Dispatch does not declare that its sources are safe to use from any thread.
@preconcurrency import Dispatch
import NIOCore
import NIOPosix

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Blocks a worker from SIGUSR1 until SIGUSR2, or for a time: its event loops, which do all its work, and the threads
/// of Swift's tasks, like code that never yields. Components with their own threads continue.
struct Stalling {
    private let sources: [any DispatchSourceSignal]

    init(seconds: Int) {
        let stall = DispatchGroup()
        let stand: @Sendable () -> Void = { _ = stall.wait(timeout: .now() + .seconds(seconds)) }
        let queue = DispatchQueue(label: "stalling")
        sources = [SIGUSR1, SIGUSR2].map { number in
            signal(number, SIG_IGN)
            return DispatchSource.makeSignalSource(signal: number, queue: queue)
        }
        sources[0].setEventHandler {
            stall.enter()
            for _ in 0..<sysconf(Int32(_SC_NPROCESSORS_ONLN)) { Task { stand() } }
            for loop in MultiThreadedEventLoopGroup.singleton.makeIterator() {
                loop.execute {
                    let words = Array("A loop is blocked.\n".utf8)
                    write(STDERR_FILENO, words, words.count)
                    stand()
                }
            }
        }
        sources[1].setEventHandler { stall.leave() }
        for source in sources { source.resume() }
    }

    func end() { for source in sources { source.cancel() } }
}
