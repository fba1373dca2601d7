import CeleryProtocol
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// One authenticated Redis connection with its database selected. Does not reconnect.
///
/// Commands of all threads are written together, and each sender receives the replies to its own.
package final class RedisConnection: Sendable {
    /// Called on the connection's event loop.
    package typealias Done = @Sendable (Result<[RedisValue], any Error>) -> Void

    private let channel: any Channel
    private let outbox: RedisOutbox
    private let handler: NIOLoopBound<RedisHandler>

    private init(_ channel: any Channel, _ outbox: RedisOutbox, _ handler: RedisHandler) {
        self.channel = channel
        self.outbox = outbox
        self.handler = NIOLoopBound(handler, eventLoop: channel.eventLoop)
    }

    /// Connects and authenticates.
    ///
    /// - Parameter onPush: Receives pushes; a silent connection is then checked even without a pending reply.
    /// - Throws: `CeleryError`: `.unreachable`, `.refused` or `.option`, with the server but without the password.
    package static func connect(
        _ options: RedisOptions,
        onPush: (@Sendable ([RedisValue]) -> Void)? = nil
    ) async throws -> RedisConnection {
        let connection = try await open(options, onPush)
        do {
            try await connection.greet(options)
            return connection
        } catch {
            connection.close()
            if let error = error as? CeleryError, error.code != .connectionLost { throw error }
            throw CeleryError.unreachable("Redis at \(options.url) closed the connection immediately.", cause: error)
        }
    }

    /// Sends commands and returns their replies in order.
    ///
    /// - Throws: `CeleryError`: `.unreachable` if nothing was sent, `.connectionLost` if the outcome is unknown.
    package func send(_ commands: [RedisCommand]) async throws -> [RedisValue] {
        guard !commands.isEmpty else { return [] }
        return try await withCheckedThrowingContinuation { continuation in
            submit(commands) { continuation.resume(with: $0) }
        }
    }

    package func submit(_ commands: [RedisCommand], _ done: @escaping Done) {
        add(commands, RedisExchange(missing: commands.count, done: done))
    }

    /// Sends a SUBSCRIBE or PSUBSCRIBE of one channel, whose reply is the confirmation or an error. Messages arrive as
    /// pushes.
    package func subscribe(_ command: RedisCommand, _ done: @escaping Done) {
        add([command], RedisExchange(missing: 1, isSubscription: true, done: done))
    }

    /// Sends a command whose only reply is a push.
    func submitUnanswered(_ command: RedisCommand) { add([command], nil) }

    private func add(_ commands: [RedisCommand], _ exchange: RedisExchange?) {
        switch outbox.add(commands, exchange) {
        case true?: channel.eventLoop.execute { [handler] in handler.value.flush() }
        case false?: break
        case nil: exchange?.done(.failure(CeleryError.unreachable("Not connected to Redis.")))
        }
    }

    package func close() {
        channel.close(promise: nil)
    }

    /// Waits until the connection is closed.
    func closed() async {
        try? await channel.closeFuture.get()
    }
}

extension RedisConnection {
    private static func open(
        _ options: RedisOptions,
        _ onPush: (@Sendable ([RedisValue]) -> Void)?
    ) async throws -> RedisConnection {
        let tls = try await NIOThreadPool.singleton.runIfActive { try options.url.tls?.makeContext() }
        let bootstrap = ClientBootstrap(group: options.group.any())
            .connectTimeout(TimeAmount(options.connectTimeout))
            .channelOption(.socketOption(.so_keepalive), value: 1)
        let start: @Sendable (any Channel) -> EventLoopFuture<RedisConnection> = { channel in
            channel.eventLoop.makeCompletedFuture {
                let outbox = RedisOutbox()
                let handler = RedisHandler(outbox: outbox, beat: TimeAmount(options.beat), onPush: onPush)
                if let tls {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: tls, serverHostname: options.url.serverName)
                    )
                }
                try channel.pipeline.syncOperations.addHandler(handler)
                return RedisConnection(channel, outbox, handler)
            }
        }
        do {
            switch options.url.place {
            case .host(let host, let port):
                return try await bootstrap.channelOption(.tcpOption(.tcp_nodelay), value: 1)
                    .connect(host: host, port: port, channelInitializer: start)
            case .socket(let path):
                return try await bootstrap.connect(unixDomainSocketPath: path, channelInitializer: start)
            }
        } catch {
            throw CeleryError.unreachable("Redis at \(options.url) does not respond. Is it running?", cause: error)
        }
    }

    /// Authenticates, selects the database and sends the preamble.
    private func greet(_ options: RedisOptions) async throws {
        let url = options.url
        let login = url.password.map { ["AUTH", url.user ?? "default", $0] } ?? []
        let hello = RedisCommand(["HELLO", "3"] + login + ["SETNAME", options.name])
        // One after the other: without a login the reason is the reply to HELLO.
        for commands in [[hello], [RedisCommand("SELECT", url.database), RedisCommand("PING")]] {
            for case .error(let message) in try await send(commands) { throw Self.refusal(message, url) }
        }
        for case (let command, .error(let message)) in zip(options.preamble, try await send(options.preamble)) {
            let name = command.arguments.prefix(2).map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")
            throw CeleryError.refused("Redis at \(url) refused the command \(name), which is required: \(message)")
        }
    }

    private static func refusal(_ message: String, _ url: RedisURL) -> CeleryError {
        if message.hasPrefix("NOPROTO") || message.hasPrefix("ERR unknown command") && message.contains("HELLO") {
            // The message may contain the password.
            return .refused("Redis 6 or later is required: the server at \(url) does not support RESP3 (HELLO 3).")
        }
        switch message.prefix(while: { $0 != " " }) {
        case "WRONGPASS": return .refused("Redis at \(url) rejected the user or password: \(message)")
        case "NOAUTH": return .refused("Redis at \(url) requires a password, and its address has none: \(message)")
        case "LOADING", "MASTERDOWN", "BUSY", "TRYAGAIN":
            return .unreachable("Redis at \(url) is not ready: \(message)")
        default:
            let isFull = message.contains("max number of clients")
            return CeleryError(isFull ? .unreachable : .refused, "Redis at \(url) refused the connection: \(message)")
        }
    }
}

/// The last handler of a connection's pipeline: matches replies with commands and detects a silent connection.
final class RedisHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let outbox: RedisOutbox
    private let beat: TimeAmount
    /// Nil if no pushes are expected; otherwise silence is checked even without a pending reply.
    private let onPush: (@Sendable ([RedisValue]) -> Void)?
    private let decoder = NIOSingleStepByteToMessageProcessor(RESPDecoder())
    private var pending = CircularBuffer<RedisExchange>()
    private var silentBeats = 0
    private var heart: RepeatedTask?
    private var failure: (any Error)?
    private var context: ChannelHandlerContext?

    init(outbox: RedisOutbox, beat: TimeAmount, onPush: (@Sendable ([RedisValue]) -> Void)?) {
        self.outbox = outbox
        self.beat = beat
        self.onPush = onPush
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        // Sends a PING only after a silence of several beats.
        heart = context.eventLoop.scheduleRepeatedTask(initialDelay: beat, delay: beat) { _ in bound.value.onBeat() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        heart?.cancel()
        self.context = nil
    }

    /// Sends the contents of the outbox in one write.
    func flush() {
        let (bytes, exchanges) = outbox.empty()
        guard let context, bytes.readableBytes > 0 else { return fail(exchanges, sent: false) }
        if pending.isEmpty && onPush == nil { silentBeats = 0 }
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
        let error =
            sent
            ? CeleryError(.connectionLost, "The connection to Redis was lost.", cause: failure)
            : .unreachable("Not connected to Redis.", cause: failure)
        for exchange in exchanges { exchange.done(.failure(error)) }
    }

    private func receive(_ value: RedisValue) {
        if case .push(let parts) = value {
            let isConfirmation = ["subscribe", "psubscribe"].contains(parts.first?.text)
            guard isConfirmation, pending.first?.isSubscription == true else { return onPush?(parts) ?? () }
        }
        guard var exchange = pending.popFirst() else { return }
        exchange.answers.append(value)
        exchange.missing -= 1
        guard exchange.missing == 0 else { return pending.prepend(exchange) }
        exchange.done(.success(exchange.answers))
        // After a failover the server is a replica; reconnecting reaches the new master.
        if case .error(let message) = value, message.hasPrefix("READONLY") { context?.close(promise: nil) }
    }

    private func onBeat() {
        guard let context, context.channel.isActive, onPush != nil || !pending.isEmpty else { return }
        silentBeats += 1
        if silentBeats == 2 { ping(context) }
        guard silentBeats >= 6 else { return }
        errorCaught(context: context, error: CeleryError(.connectionLost, "Redis stopped responding."))
    }

    private func ping(_ context: ChannelHandlerContext) {
        pending.append(RedisExchange(missing: 1) { _ in })
        var bytes = context.channel.allocator.buffer(capacity: 16)
        RedisCommand("PING").write(to: &bytes)
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }
}

/// Commands that wait for their replies.
struct RedisExchange: Sendable {
    var missing: Int
    var answers: [RedisValue] = []
    /// Whether the reply is the confirmation of a subscription, which RESP3 sends as a push.
    var isSubscription = false
    let done: RedisConnection.Done
}

/// The unsent commands of a connection: filled by any thread, emptied by the connection's event loop in one write.
final class RedisOutbox: Sendable {
    private struct State {
        var bytes = ByteBuffer()
        var exchanges: [RedisExchange] = []
        var isAwaited = false
        var isClosed = false
    }

    private let state = Mutex(State())

    /// Adds commands.
    ///
    /// - Parameter exchange: Receives the replies; nil for commands without any, such as SUBSCRIBE.
    /// - Returns: Whether to schedule a flush; nil if the outbox is closed and nothing was added.
    func add(_ commands: [RedisCommand], _ exchange: RedisExchange?) -> Bool? {
        state.withLock { state in
            guard !state.isClosed else { return nil }
            for command in commands { command.write(to: &state.bytes) }
            if let exchange { state.exchanges.append(exchange) }
            defer { state.isAwaited = true }
            return !state.isAwaited
        }
    }

    /// Takes everything out.
    func empty(closing: Bool = false) -> (bytes: ByteBuffer, exchanges: [RedisExchange]) {
        state.withLock { state in
            defer { state = State(isClosed: closing) }
            return (state.bytes, state.exchanges)
        }
    }
}
