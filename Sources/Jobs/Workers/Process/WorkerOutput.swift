internal import CDashSpawn
internal import Dispatch
internal import Logging
internal import Support
internal import Synchronization

#if canImport(Darwin)
internal import Darwin
#else
internal import Glibc
#endif

/// Relays what a worker prints to the log, line by line, and keeps the end of it for a crash report.
final class WorkerOutput: Sendable {
    private let state = Mutex(State())
    private let logger: Logger
    private let ended = DispatchSemaphore(value: 0)

    private struct State {
        var task: String?
        var tail = OutputTail()
    }

    /// - Parameter logger: Where the lines go; it names the worker already.
    init(logger: Logger) { self.logger = logger }

    /// From now on the output is that of another task.
    func begin(_ task: String) {
        state.withLock {
            $0.task = task
            $0.tail.clear()
        }
    }

    /// The last 64 KB since the task began.
    var tail: String { state.withLock { $0.tail.text } }

    /// Reads `descriptor` on a thread of its own and closes it at its end.
    ///
    /// - Returns: What ends the reading as soon as everything has been read that is there: by then the worker is dead,
    ///   but a program that left its group may hold the pipe open for ever.
    func read(_ descriptor: Int32) throws -> Reading {
        let stop = try DescriptorPair("Making a pipe", dash_pipe)
        let started = OwnThread.start { [self] in
            relay(descriptor, stop: stop.first)
            close(descriptor)
            close(stop.first)
            ended.signal()
        }
        guard started else {
            stop.closeBoth()
            throw SystemError(number: EAGAIN, attempt: "Starting a thread")
        }
        return Reading(stop: stop.second, ended: ended)
    }

    /// A reading that goes on.
    struct Reading {
        fileprivate let stop: Int32
        fileprivate let ended: DispatchSemaphore

        /// Blocks the thread until everything has been read that is there.
        func finish() {
            close(stop)
            ended.wait()
        }
    }

    private func relay(_ descriptor: Int32, stop: Int32) {
        var splitter = LineSplitter()
        var buffer = [UInt8](repeating: 0, count: 8192)
        while true {
            let count = dash_read_until_stopped(descriptor, stop, &buffer, buffer.count)
            guard count > 0 else { break }
            let task = state.withLock {
                $0.tail.append(buffer[..<count])
                return $0.task
            }
            for line in splitter.add(buffer[..<count]) { log(line, task) }
        }
        if let line = splitter.finish() { log(line, state.withLock { $0.task }) }
    }

    private func log(_ line: String, _ task: String?) {
        logger.info("\(line)", metadata: task.map { ["task": "\($0)"] })
    }
}
