import NIOCore

/// The end of a connection's pipeline: matches answers and questions, and notices silence.
final class RedisHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// A connection that only listens to channels: with RESP2 every answer is out of band then.
    var isSubscriber = false
    /// Whether pushes are awaited, so that silence has to be looked into even when no answer is owed.
    var isListening = false

    private let outbox: RedisOutbox
    private let beat: TimeAmount
    private let onPush: @Sendable ([RedisValue]) -> Void
    private let decoder = NIOSingleStepByteToMessageProcessor(RESPDecoder())
    private var pending = CircularBuffer<RedisExchange>()
    private var silentBeats = 0
    private var heart: RepeatedTask?
    private var failure: (any Error)?
    private var context: ChannelHandlerContext?

    init(outbox: RedisOutbox, beat: TimeAmount, onPush: @escaping @Sendable ([RedisValue]) -> Void) {
        self.outbox = outbox
        self.beat = beat
        self.onPush = onPush
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        // No polling of the server: only a silence of several beats makes one PING.
        heart = context.eventLoop.scheduleRepeatedTask(initialDelay: beat, delay: beat) { _ in bound.value.onBeat() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        heart?.cancel()
        self.context = nil
    }

    /// Sends all that was put into the outbox, in one write.
    func flush() {
        let (bytes, exchanges) = outbox.empty()
        guard let context, bytes.readableBytes > 0 else { return fail(exchanges, sent: false) }
        if pending.isEmpty && !isListening { silentBeats = 0 }
        pending.append(contentsOf: exchanges)
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        silentBeats = 0
        do {
            try decoder.process(buffer: unwrapInboundIn(data)) { receive($0) }
        } catch {
            errorCaught(context: context, error: error)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        failure = failure ?? error
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        let unsent = outbox.empty(closing: true).exchanges
        let sent = pending
        pending.removeAll()
        fail(sent, sent: true)
        fail(unsent, sent: false)
    }

    private func fail(_ exchanges: some Sequence<RedisExchange>, sent: Bool) {
        for exchange in exchanges {
            exchange.done(
                .failure(
                    sent
                        ? CeleryError(.connectionLost, "The connection to Redis was lost.", cause: failure)
                        : CeleryError(.unreachable, "There is no connection to Redis.", cause: failure)
                )
            )
        }
    }

    private func receive(_ value: RedisValue) {
        if case .push(let parts) = value {
            let isAnswer = pending.first?.isSubscription == true && parts.first?.text == "subscribe"
            if !isAnswer { return onPush(parts) }
        }
        if isSubscriber {
            switch value {
            case .array(let parts): onPush(parts)
            // In the place of a confirmation.
            case .error: onPush([value])
            default: break
            }
            return
        }
        guard var exchange = pending.popFirst() else { return }
        exchange.answers.append(value)
        exchange.missing -= 1
        guard exchange.missing == 0 else { return pending.prepend(exchange) }
        exchange.done(.success(exchange.answers))
        // After a failover this is a replica: the address leads to the new master.
        if case .error(let message) = value, message.hasPrefix("READONLY") { context?.close(promise: nil) }
    }

    private func onBeat() {
        guard let context, isListening || !pending.isEmpty else { return }
        silentBeats += 1
        if silentBeats == 2 { ping(context) }
        guard silentBeats >= 6 else { return }
        errorCaught(context: context, error: CeleryError(.connectionLost, "Nothing is heard of Redis any more."))
    }

    private func ping(_ context: ChannelHandlerContext) {
        if !isSubscriber { pending.append(RedisExchange(missing: 1) { _ in }) }
        var bytes = context.channel.allocator.buffer(capacity: 16)
        RedisCommand("PING").write(to: &bytes)
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }
}
