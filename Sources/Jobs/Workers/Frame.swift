/// A message between a pool and its worker. `run` numbers the task runs of a pool, so that late messages of an ended
/// run are recognized.
enum Frame: Sendable, Hashable {
    // Pool to worker.
    case job(run: UInt64, WorkerTask)
    case cancel(run: UInt64)
    // Worker to pool.
    case ready(buildID: String)
    case started(run: UInt64)
    case progress(run: UInt64, [UInt8])
    case setProps(run: UInt64, [UInt8])
    case succeeded(run: UInt64, [UInt8])
    case failed(run: UInt64, WorkerFailure)
    case cancelled(run: UInt64)

    /// The maximum length of a frame in bytes, without the four of its length field.
    static let maximumLength = 256 << 20
}

/// The kind of a frame: its first byte.
enum FrameKind: UInt8 {
    case job = 1, cancel, ready, started, progress, setProps, succeeded, failed, cancelled
}

/// An invalid frame: the two sides are of different builds, or other data was written to the socket.
struct FrameError: Error, CustomStringConvertible {
    let description: String
}

// Wire format: UInt32 length of the rest, UInt8 kind, UInt64 run, then the parts of the kind. Numbers are big-endian; a
// text is its UInt32 length and UTF-8; a body is the remaining bytes.
extension Frame {
    /// The encoded frame with its length.
    var bytes: [UInt8] {
        var writer = FrameWriter()
        switch self {
        case .job(let run, let task): writer.job(run: run, task)
        case .cancel(let run): writer.start(.cancel, run: run)
        case .ready(let buildID): writer.ready(buildID)
        case .started(let run): writer.start(.started, run: run)
        case .progress(let run, let body): writer.start(.progress, run: run, body)
        case .setProps(let run, let body): writer.start(.setProps, run: run, body)
        case .succeeded(let run, let body): writer.start(.succeeded, run: run, body)
        case .failed(let run, let failure): writer.failed(run: run, failure)
        case .cancelled(let run): writer.start(.cancelled, run: run)
        }
        return writer.finish()
    }
}

private struct FrameWriter {
    private var bytes: [UInt8] = [0, 0, 0, 0]

    mutating func start(_ kind: FrameKind, run: UInt64, _ body: [UInt8] = []) {
        bytes.reserveCapacity(13 + body.count)
        bytes.append(kind.rawValue)
        number(run)
        bytes += body
    }

    mutating func job(run: UInt64, _ task: WorkerTask) {
        start(.job, run: run)
        text(task.id)
        text(task.name)
        bytes += task.payload
    }

    mutating func ready(_ buildID: String) {
        start(.ready, run: 0)
        text(buildID)
    }

    mutating func failed(run: UInt64, _ failure: WorkerFailure) {
        start(.failed, run: run)
        text(failure.kind.rawValue)
        text(failure.code)
        text(failure.message)
        text(failure.trace ?? "")
    }

    mutating func finish() -> [UInt8] {
        let length = UInt32(bytes.count - 4)
        for index in 0..<4 { bytes[index] = UInt8(truncatingIfNeeded: length >> (24 - 8 * UInt32(index))) }
        return bytes
    }

    private mutating func text(_ text: String) {
        number(UInt32(text.utf8.count))
        bytes += text.utf8
    }

    private mutating func number(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.bigEndian) { bytes += $0 }
    }
}

extension Frame {
    /// Decodes a frame.
    ///
    /// - Parameter bytes: The frame without its length.
    /// - Throws: ``FrameError`` if the frame is invalid.
    init(_ bytes: [UInt8]) throws {
        var reader = FrameReader(bytes)
        guard let kind = FrameKind(rawValue: try reader.number(UInt8.self)) else {
            throw FrameError(description: "Unknown kind of frame.")
        }
        let run = try reader.number(UInt64.self)
        switch kind {
        case .job: self = .job(run: run, try reader.task())
        case .cancel: self = .cancel(run: run)
        case .ready: self = .ready(buildID: try reader.text())
        case .started: self = .started(run: run)
        case .progress: self = .progress(run: run, reader.rest())
        case .setProps: self = .setProps(run: run, reader.rest())
        case .succeeded: self = .succeeded(run: run, reader.rest())
        case .failed: self = .failed(run: run, try reader.failure())
        case .cancelled: self = .cancelled(run: run)
        }
    }

    /// Decodes the length field.
    static func length(_ bytes: some Sequence<UInt8>) -> Int {
        bytes.reduce(0) { $0 << 8 | Int($1) }
    }
}

private struct FrameReader {
    private var bytes: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { self.bytes = bytes[...] }

    mutating func number<Number: FixedWidthInteger>(_ type: Number.Type) throws -> Number {
        try take(Number.bitWidth / 8).reduce(0) { $0 << 8 | Number($1) }
    }

    mutating func text() throws -> String {
        String(decoding: try take(Int(try number(UInt32.self))), as: UTF8.self)
    }

    mutating func rest() -> [UInt8] { Array(bytes) }

    mutating func task() throws -> WorkerTask {
        WorkerTask(id: try text(), name: try text(), payload: rest())
    }

    mutating func failure() throws -> WorkerFailure {
        guard let kind = WorkerFailure.Kind(rawValue: try text()) else {
            throw FrameError(description: "Unknown kind of failure.")
        }
        let (code, message, trace) = (try text(), try text(), try text())
        return WorkerFailure(kind: kind, code: code, message: message, trace: trace.isEmpty ? nil : trace)
    }

    private mutating func take(_ count: Int) throws -> ArraySlice<UInt8> {
        guard count <= bytes.count else { throw FrameError(description: "Truncated frame.") }
        defer { bytes = bytes.dropFirst(count) }
        return bytes.prefix(count)
    }
}
