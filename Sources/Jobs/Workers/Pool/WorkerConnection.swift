internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// The pool's end of a worker's socket, on the event loop.
struct WorkerConnection: Sendable {
    private let channel: any Channel
    private let line: Line

    /// Frames that are not sent yet.
    private final class Line: Sendable {
        let bytes = Mutex(ByteBuffer())
    }

    /// What is told of the connection, on the event loop, in order.
    struct Handlers: Sendable {
        var received: @Sendable (Frame) -> Void
        var closed: @Sendable () -> Void
    }

    /// Takes a connected socket; it is closed in any case. Blocks the thread until the event loop has it, so this must
    /// be called on a thread of our own.
    ///
    /// - Parameters:
    ///   - socket: The descriptor.
    ///   - loop: Where it is served.
    ///   - handlers: What is called for each frame and at the end.
    ///   - ready: Called with the connection before any frame is read.
    init(
        _ socket: Int32,
        on loop: any EventLoop,
        handlers: Handlers,
        ready: @escaping @Sendable (WorkerConnection) -> Void
    ) throws {
        let line = Line()
        let bootstrap = ClientBootstrap(group: loop).channelInitializer { channel in
            ready(WorkerConnection(channel, line))
            return channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(FrameHandler(handlers))
            }
        }
        self.init(try bootstrap.withConnectedSocket(socket).wait(), line)
    }

    private init(_ channel: any Channel, _ line: Line) {
        self.channel = channel
        self.line = line
    }

    /// Puts a frame in line: frames go out in the order of these calls, at the next ``flush()``. May be called under a lock.
    func add(_ frame: Frame) {
        line.bytes.withLock { _ = $0.writeBytes(frame.bytes) }
    }

    /// Sends what is in line. Does nothing if the worker is gone. Never to be called under a lock that the handlers take too:
    /// they may be called in this call.
    func flush() {
        guard channel.eventLoop.inEventLoop else { return channel.eventLoop.execute { self.flush() } }
        let bytes = line.bytes.withLock { bytes in
            defer { bytes = ByteBuffer() }
            return bytes
        }
        if bytes.readableBytes > 0 { channel.writeAndFlush(bytes, promise: nil) }
    }

    /// Blocks the thread until everything the dead worker had sent was handled.
    func drain() {
        // The socket ends with the worker, unless a forked child of it holds it open: then we end it.
        let closing = channel.eventLoop.scheduleTask(in: .milliseconds(250)) { [channel] in channel.close(promise: nil)
        }
        try? channel.closeFuture.wait()
        closing.cancel()
    }
}

/// Cuts the stream into frames.
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
    private let handlers: WorkerConnection.Handlers
    private let decoder = NIOSingleStepByteToMessageProcessor(FrameDecoder())

    init(_ handlers: WorkerConnection.Handlers) { self.handlers = handlers }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        do {
            try decoder.process(buffer: unwrapInboundIn(data)) { handlers.received($0) }
        } catch {
            errorCaught(context: context, error: error)
        }
    }

    func channelInactive(context: ChannelHandlerContext) { handlers.closed() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
