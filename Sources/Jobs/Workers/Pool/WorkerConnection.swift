internal import NIOCore
internal import NIOPosix

/// The pool's end of a worker's socket, on the event loop.
struct WorkerConnection: Sendable {
    private let channel: any Channel

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
        let bootstrap = ClientBootstrap(group: loop).channelInitializer { channel in
            ready(WorkerConnection(channel: channel))
            return channel.eventLoop.makeCompletedFuture {
                let pipeline = channel.pipeline.syncOperations
                try pipeline.addHandler(ByteToMessageHandler(FrameDecoder()))
                try pipeline.addHandler(FrameHandler(handlers))
            }
        }
        channel = try bootstrap.withConnectedSocket(socket).wait()
    }

    private init(channel: any Channel) { self.channel = channel }

    /// Sends a frame; frames go out in the order of the calls. Does nothing if the worker is gone.
    func send(_ frame: Frame) {
        let bytes = channel.allocator.buffer(bytes: frame.bytes)
        // Never in this call, which may be made under a lock that the channel's handlers take too.
        channel.eventLoop.execute { [channel] in channel.writeAndFlush(bytes, promise: nil) }
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
    typealias InboundIn = Frame
    private let handlers: WorkerConnection.Handlers

    init(_ handlers: WorkerConnection.Handlers) { self.handlers = handlers }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { handlers.received(unwrapInboundIn(data)) }

    func channelInactive(context: ChannelHandlerContext) { handlers.closed() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
