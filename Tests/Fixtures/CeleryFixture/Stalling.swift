// Dispatch says nowhere that its sources may be used from any thread, as they may.
@preconcurrency import Dispatch
import NIOCore
import NIOPosix

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Has a worker stand still for a time when SIGUSR1 comes: its event loops, where it does all its work, and the threads of
/// Swift's tasks, as code that never yields would keep them. What has threads of its own goes on.
struct Stalling {
    private let source: any DispatchSourceSignal

    init(seconds: UInt32) {
        signal(SIGUSR1, SIG_IGN)
        source = DispatchSource.makeSignalSource(signal: SIGUSR1, queue: DispatchQueue(label: "stalling"))
        source.setEventHandler {
            for loop in MultiThreadedEventLoopGroup.singleton.makeIterator() { loop.execute { sleep(seconds) } }
            for _ in 0..<sysconf(Int32(_SC_NPROCESSORS_ONLN)) { Task { usleep(seconds * 1_000_000) } }
        }
        source.resume()
    }

    func end() { source.cancel() }
}
