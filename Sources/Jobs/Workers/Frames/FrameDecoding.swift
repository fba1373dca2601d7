extension Frame {
    /// Reads a frame.
    ///
    /// - Parameter bytes: The frame without its length.
    /// - Throws: ``FrameError`` for anything that ``Frame/bytes`` does not write.
    init(_ bytes: [UInt8]) throws {
        var reader = FrameReader(bytes)
        guard let kind = FrameKind(rawValue: try reader.number(UInt8.self)) else {
            throw FrameError(description: "A frame of an unknown kind arrived.")
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

    /// The length that four bytes tell.
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
            throw FrameError(description: "A failure of an unknown kind arrived.")
        }
        let (code, message, trace) = (try text(), try text(), try text())
        return WorkerFailure(kind: kind, code: code, message: message, trace: trace.isEmpty ? nil : trace)
    }

    private mutating func take(_ count: Int) throws -> ArraySlice<UInt8> {
        guard count <= bytes.count else { throw FrameError(description: "A frame ended too early.") }
        defer { bytes = bytes.dropFirst(count) }
        return bytes.prefix(count)
    }
}
