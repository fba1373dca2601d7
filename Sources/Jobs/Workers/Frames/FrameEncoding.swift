// A frame on the wire: UInt32 length of what follows, UInt8 kind, UInt64 run, then the kind's own parts. Numbers are
// big-endian; a text is its UInt32 length and its UTF-8; a body is all the rest, untouched.
extension Frame {
    /// The frame as it goes over the socket, its length in front.
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
