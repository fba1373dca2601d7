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
    case failed(run: UInt64, JobFailure)
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
        switch self {
        case .job(let run, let task): Self.bytes(.job, run, texts: [task.id, task.name], task.payload)
        case .cancel(let run): Self.bytes(.cancel, run)
        case .ready(let buildID): Self.bytes(.ready, 0, texts: [buildID])
        case .started(let run): Self.bytes(.started, run)
        case .progress(let run, let body): Self.bytes(.progress, run, body)
        case .setProps(let run, let body): Self.bytes(.setProps, run, body)
        case .succeeded(let run, let body): Self.bytes(.succeeded, run, body)
        case .failed(let run, let failure): Self.bytes(.failed, run, texts: failure.texts)
        case .cancelled(let run): Self.bytes(.cancelled, run)
        }
    }

    private static func bytes(_ kind: FrameKind, _ run: UInt64, texts: [String] = [], _ body: [UInt8] = []) -> [UInt8] {
        let length = 9 + texts.reduce(body.count) { $0 + 4 + $1.utf8.count }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(4 + length)
        func append(_ number: some FixedWidthInteger) { withUnsafeBytes(of: number.bigEndian) { bytes += $0 } }
        append(UInt32(length))
        append(kind.rawValue)
        append(run)
        for text in texts {
            append(UInt32(text.utf8.count))
            bytes += text.utf8
        }
        return bytes + body
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

    mutating func failure() throws -> JobFailure {
        let (kind, code, message, trace) = (try text(), try text(), try text(), try text())
        return JobFailure(kind: .init(kind), code: code, message: message, trace: trace.isEmpty ? nil : trace)
    }

    private mutating func take(_ count: Int) throws -> ArraySlice<UInt8> {
        guard count <= bytes.count else { throw FrameError(description: "Truncated frame.") }
        defer { bytes = bytes.dropFirst(count) }
        return bytes.prefix(count)
    }
}
