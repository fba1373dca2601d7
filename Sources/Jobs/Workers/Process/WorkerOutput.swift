import CDashSpawn
import Dispatch
import Logging
import Support
import Synchronization

#if canImport(Darwin)
internal import Darwin
#else
internal import Glibc
#endif

/// Forwards a worker's output to the log, line by line, and keeps its tail for a crash report.
final class WorkerOutput: Sendable {
    private let state = Mutex(State())
    private let logger: Logger
    private let ended = DispatchSemaphore(value: 0)

    private struct State {
        var task: String?
        var tail = OutputTail()
    }

    /// - Parameter logger: Receives the lines; its metadata names the worker.
    init(logger: Logger) { self.logger = logger }

    /// Starts the output of another task.
    func begin(_ task: String) {
        state.withLock {
            $0.task = task
            $0.tail.clear()
        }
    }

    /// The last 64 KB since the task began.
    var tail: String { state.withLock { $0.tail.text } }

    /// Reads `descriptor` on a thread and closes it at the end.
    ///
    /// - Returns: A handle to finish reading: after the worker has ended, a program that left its group may hold the
    ///   pipe open indefinitely.
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

    struct Reading {
        fileprivate let stop: Int32
        fileprivate let ended: DispatchSemaphore

        /// Blocks until all available output is read.
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

/// The last bytes of a stream.
struct OutputTail: Sendable {
    private var bytes: [UInt8] = []
    private let limit: Int

    /// - Parameter limit: The number of bytes to keep.
    init(limit: Int = 64 << 10) { self.limit = limit }

    /// Appends bytes and drops the oldest.
    mutating func append(_ more: some Collection<UInt8>) {
        bytes += more
        if bytes.count > 2 * limit { bytes.removeFirst(bytes.count - limit) }  // Rare, as it moves all bytes.
    }

    mutating func clear() { bytes.removeAll() }

    /// The kept bytes as text.
    var text: String { String(decoding: bytes.suffix(limit), as: UTF8.self) }
}

/// Splits a stream of bytes into lines.
struct LineSplitter: Sendable {
    private var rest: [UInt8] = []
    private let longest: Int

    /// - Parameter longest: The maximum line length in bytes; longer lines are split.
    init(longest: Int = 16 << 10) { self.longest = longest }

    /// Appends bytes and returns the completed lines, without terminators.
    mutating func add(_ bytes: some Sequence<UInt8>) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            if byte != UInt8(ascii: "\n") { rest.append(byte) }
            if byte == UInt8(ascii: "\n") || rest.count == longest { lines += [takeRest()] }
        }
        return lines
    }

    /// The last line, if it is not terminated.
    mutating func finish() -> String? { rest.isEmpty ? nil : takeRest() }

    private mutating func takeRest() -> String {
        defer { rest.removeAll(keepingCapacity: true) }
        return String(decoding: rest, as: UTF8.self)
    }
}
