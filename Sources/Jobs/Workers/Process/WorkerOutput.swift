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

/// The last bytes of something long.
struct OutputTail: Sendable {
    private var bytes: [UInt8] = []
    private let limit: Int

    /// - Parameter limit: How many bytes are kept.
    init(limit: Int = 64 << 10) { self.limit = limit }

    /// Adds bytes and forgets the oldest when there are too many.
    mutating func append(_ more: some Collection<UInt8>) {
        bytes += more
        if bytes.count > 2 * limit { bytes.removeFirst(bytes.count - limit) }  // Rarely, as it moves them all.
    }

    /// Forgets everything.
    mutating func clear() { bytes.removeAll() }

    /// What is kept, as text.
    var text: String { String(decoding: bytes.suffix(limit), as: UTF8.self) }
}

/// Cuts a stream of bytes into lines.
struct LineSplitter: Sendable {
    private var rest: [UInt8] = []
    private let longest: Int

    /// - Parameter longest: A line with more bytes is cut, so that output without line ends needs no memory.
    init(longest: Int = 16 << 10) { self.longest = longest }

    /// Takes more bytes and gives the lines that are now whole, without their ends.
    mutating func add(_ bytes: some Sequence<UInt8>) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            if byte != UInt8(ascii: "\n") { rest.append(byte) }
            if byte == UInt8(ascii: "\n") || rest.count == longest { lines += [takeRest()] }
        }
        return lines
    }

    /// The last line, if it has no end.
    mutating func finish() -> String? { rest.isEmpty ? nil : takeRest() }

    private mutating func takeRest() -> String {
        defer { rest.removeAll(keepingCapacity: true) }
        return String(decoding: rest, as: UTF8.self)
    }
}
