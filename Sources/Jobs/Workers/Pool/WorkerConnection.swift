internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// The pool's end of a worker's socket, on the event loop.
struct WorkerConnection: Sendable {
    private let channel: any Channel
    private let line: Line

    /// Unsent frames.
    private final class Line: Sendable {
        let bytes = Mutex(ByteBuffer())
    }

    /// Takes over a connected socket; it is closed in any case. Blocks until it is registered, so call it on a
    /// dedicated thread. The callbacks run on the event loop, in order.
    ///
    /// - Parameters:
    ///   - socket: The descriptor.
    ///   - loop: The event loop.
    ///   - ready: Called with the connection before any frame is read.
    ///   - received: Called for each frame.
    ///   - closed: Called when the connection closes.
    init(
        _ socket: Int32,
        on loop: any EventLoop,
        ready: @escaping @Sendable (WorkerConnection) -> Void,
        received: @escaping @Sendable (Frame) -> Void,
        closed: @escaping @Sendable () -> Void
    ) throws {
        let line = Line()
        let bootstrap = ClientBootstrap(group: loop).channelInitializer { channel in
            ready(WorkerConnection(channel, line))
            return channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(FrameHandler(received, closed))
            }
        }
        self.init(try bootstrap.withConnectedSocket(socket).wait(), line)
    }

    private init(_ channel: any Channel, _ line: Line) {
        self.channel = channel
        self.line = line
    }

    /// Queues a frame for the next ``flush()``, in call order. May be called under a lock.
    func add(_ frame: Frame) {
        line.bytes.withLock { _ = $0.writeBytes(frame.bytes) }
    }

    /// Sends the queued frames. No effect if the worker has ended. Must not be called under a lock that the handlers
    /// take: they may run within this call.
    func flush() {
        guard channel.eventLoop.inEventLoop else { return channel.eventLoop.execute { self.flush() } }
        let bytes = line.bytes.withLock { bytes in
            defer { bytes = ByteBuffer() }
            return bytes
        }
        if bytes.readableBytes > 0 { channel.writeAndFlush(bytes, promise: nil) }
    }

    /// Blocks until all frames of the ended worker are handled.
    func drain() {
        // The socket closes with the worker, unless a forked child holds it open: then close it here.
        let closing = channel.eventLoop.scheduleTask(in: .milliseconds(250)) { channel.close(promise: nil) }
        try? channel.closeFuture.wait()
        closing.cancel()
    }
}

/// Splits the stream into frames.
private struct FrameDecoder: NIOSingleStepByteToMessageDecoder {
    typealias InboundOut = Frame

    mutating func decode(buffer: inout ByteBuffer) throws -> Frame? {
        guard let length = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self) else { return nil }
        guard length <= Frame.maximumLength else {
            throw FrameError(description: "A frame of \(length) bytes is too long.")
        }
        guard buffer.readableBytes >= 4 + Int(length) else { return nil }
        buffer.moveReaderIndex(forwardBy: 4)
        return try buffer.readBytes(length: Int(length)).map(Frame.init)
    }

    mutating func decodeLast(buffer: inout ByteBuffer, seenEOF: Bool) throws -> Frame? {
        try decode(buffer: &buffer)
    }
}

private final class FrameHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let received: @Sendable (Frame) -> Void
    private let closed: @Sendable () -> Void
    private let decoder = NIOSingleStepByteToMessageProcessor(FrameDecoder())

    init(_ received: @escaping @Sendable (Frame) -> Void, _ closed: @escaping @Sendable () -> Void) {
        (self.received, self.closed) = (received, closed)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        do {
            try decoder.process(buffer: unwrapInboundIn(data)) { received($0) }
        } catch {
            errorCaught(context: context, error: error)
        }
    }

    func channelInactive(context: ChannelHandlerContext) { closed() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
