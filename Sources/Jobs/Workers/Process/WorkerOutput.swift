import CDashSpawn
import Dispatch
import Logging
import Support
import Synchronization

/// Forwards a worker's output to the log, line by line, and keeps its tail for a crash report.
final class WorkerOutput: Sendable {
    private let state = Mutex(State())
    private let logger: Logger
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

    /// Reads `descriptor` and closes it at the end.
    func read(_ descriptor: Int32) throws -> OutputReading {
        try OutputReading(descriptor) { [self] bytes, lines in
            let task = state.withLock { state in
                state.tail.append(bytes)
                return state.task
            }
            for line in lines { logger.info("\(line)", metadata: task.map { ["task": "\($0)"] }) }
        }
    }
}

/// Reads a process's output on a thread.
package struct OutputReading: Sendable {
    private let stop: Int32
    private let ended = DispatchSemaphore(value: 0)

    /// Reads `descriptor` and closes it at the end.
    ///
    /// - Parameters:
    ///   - longestLine: The maximum line length in bytes; longer lines are split.
    ///   - receive: Receives the bytes, with the lines that they complete.
    package init(
        _ descriptor: Int32,
        longestLine: Int = 16 << 10,
        receive: @escaping @Sendable (ArraySlice<UInt8>, [String]) -> Void
    ) throws(SystemError) {
        let stop = try DescriptorPair("Making a pipe", dash_pipe)
        let started = OwnThread.start { [ended] in
            var splitter = LineSplitter(longest: longestLine)
            var buffer = [UInt8](repeating: 0, count: 8192)
            while case let count = dash_read_until_stopped(descriptor, stop.first, &buffer, buffer.count), count > 0 {
                receive(buffer[..<count], splitter.add(buffer[..<count]))
            }
            receive([], splitter.finish())
            close(descriptor)
            close(stop.first)
            ended.signal()
        }
        self.stop = stop.second
        guard !started else { return }
        stop.closeBoth()
        throw SystemError(number: EAGAIN, attempt: "Starting a thread")
    }

    /// Blocks until all available output is read. After a process has ended, a program that left its group may hold the
    /// pipe open indefinitely.
    package func finish() {
        close(stop)
        ended.wait()
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

    var text: String { String(decoding: bytes.suffix(limit), as: UTF8.self) }
}

/// Splits a stream of bytes into lines.
package struct LineSplitter: Sendable {
    private var rest: [UInt8] = []
    private let longest: Int

    /// - Parameter longest: The maximum line length in bytes; longer lines are split.
    package init(longest: Int) { self.longest = longest }

    /// Appends bytes and returns the completed lines, without terminators.
    package mutating func add(_ bytes: some Sequence<UInt8>) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            if byte != UInt8(ascii: "\n") { rest.append(byte) }
            if byte == UInt8(ascii: "\n") || rest.count == longest { lines += [takeRest()] }
        }
        return lines
    }

    /// The last line, if it is not terminated.
    package mutating func finish() -> [String] { rest.isEmpty ? [] : [takeRest()] }

    private mutating func takeRest() -> String {
        defer { rest.removeAll(keepingCapacity: true) }
        return String(decoding: rest, as: UTF8.self)
    }
}
