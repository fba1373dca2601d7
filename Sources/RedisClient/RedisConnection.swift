import CeleryProtocol
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// One authenticated Redis connection with its database selected. Does not reconnect.
///
/// Commands of all threads are written together, and each sender receives the replies to its own.
package final class RedisConnection: Sendable {
    /// Whether it uses RESP3; a server older than Redis 6 supports RESP2 only.
    package var usesRESP3: Bool { protocolVersion >= 3 }
    /// Whether Redis reports changes by pushes, as the preamble asks.
    package var reportsChanges: Bool { usesRESP3 && tookPreamble }

    private let protocolVersion: Int
    /// Whether all commands of the preamble succeeded.
    private let tookPreamble: Bool
    private let link: Link

    private struct Link: Sendable {
        let channel: any Channel
        let outbox: RedisOutbox
        let handler: NIOLoopBound<RedisHandler>
    }

    /// Connects and authenticates.
    ///
    /// - Throws: `CeleryError`: `.unreachable`, `.refused` or `.option`, with the server but without the password.
    package static func connect(
        _ options: RedisOptions,
        onPush: @escaping @Sendable ([RedisValue]) -> Void
    ) async throws -> RedisConnection {
        let link = try await open(options, onPush)
        do {
            let version = try await greet(link, options)
            let answers = try await send(options.preamble, link)
            return RedisConnection(
                link,
                version,
                tookPreamble: !answers.contains { if case .error = $0 { true } else { false } }
            )
        } catch {
            link.channel.close(promise: nil)
            guard let error = error as? CeleryError, error.code != .connectionLost else {
                throw CeleryError(
                    .unreachable,
                    "Redis at \(options.url) closed the connection immediately.",
                    cause: error
                )
            }
            throw error
        }
    }

    private init(_ link: Link, _ version: Int, tookPreamble: Bool) {
        self.link = link
        self.tookPreamble = tookPreamble
        protocolVersion = version
    }

    /// Sends commands and returns their replies in order.
    ///
    /// - Throws: `CeleryError`: `.unreachable` if nothing was sent, `.connectionLost` if the outcome is unknown.
    package func send(_ commands: [RedisCommand]) async throws -> [RedisValue] {
        try await Self.send(commands, link)
    }

    /// Sends commands; `done` is called on the connection's event loop.
    package func submit(
        _ commands: [RedisCommand],
        _ done: @escaping @Sendable (Result<[RedisValue], any Error>) -> Void
    ) {
        Self.submit(commands, RedisExchange(missing: commands.count, done: done), link)
    }

    /// Subscribes to a channel on a connection used for other commands too, and returns the confirmation or an error.
    /// Messages arrive as pushes; with RESP2 they do not, and no other commands may follow.
    package func subscribe(to channel: String) async throws -> RedisValue {
        let answers: [RedisValue] = try await withCheckedThrowingContinuation { continuation in
            let exchange = RedisExchange(missing: 1, isSubscription: true) { continuation.resume(with: $0) }
            Self.submit([RedisCommand("SUBSCRIBE", channel)], exchange, link)
        }
        return answers[0]
    }

    /// Sends commands whose only replies are pushes.
    func submitUnanswered(_ commands: [RedisCommand]) {
        Self.submit(commands, nil, link)
    }

    /// Expects pushes from now on: a silent connection is checked by a PING.
    ///
    /// - Parameter isSubscriber: Whether only subscriptions are sent from now on.
    package func listen(isSubscriber: Bool = false) {
        link.channel.eventLoop.execute { [handler = link.handler] in
            handler.value.listen(isSubscriber: isSubscriber)
        }
    }

    package func close() {
        link.channel.close(promise: nil)
    }

    package func whenClosed(_ body: @escaping @Sendable () -> Void) {
        link.channel.closeFuture.whenComplete { _ in body() }
    }

    /// Waits until the connection is closed.
    func closed() async {
        try? await link.channel.closeFuture.get()
    }
}

extension RedisConnection {
    private static func send(_ commands: [RedisCommand], _ link: Link) async throws -> [RedisValue] {
        guard !commands.isEmpty else { return [] }
        return try await withCheckedThrowingContinuation { continuation in
            submit(commands, RedisExchange(missing: commands.count) { continuation.resume(with: $0) }, link)
        }
    }

    private static func submit(_ commands: [RedisCommand], _ exchange: RedisExchange?, _ link: Link) {
        switch link.outbox.add(commands, exchange) {
        case true?: link.channel.eventLoop.execute { [handler = link.handler] in handler.value.flush() }
        case false?: break
        case nil: exchange?.done(.failure(CeleryError(.unreachable, "Not connected to Redis.")))
        }
    }

    private static func open(
        _ options: RedisOptions,
        _ onPush: @escaping @Sendable ([RedisValue]) -> Void
    ) async throws -> Link {
        let tls = try await NIOThreadPool.singleton.runIfActive { try options.url.tls?.makeContext() }
        let bootstrap = ClientBootstrap(group: options.group.any())
            .connectTimeout(TimeAmount(options.connectTimeout))
            .channelOption(.socketOption(.so_keepalive), value: 1)
        let start: @Sendable (any Channel) -> EventLoopFuture<Link> = { channel in
            channel.eventLoop.makeCompletedFuture {
                let outbox = RedisOutbox()
                let handler = RedisHandler(outbox: outbox, beat: TimeAmount(options.beat), onPush: onPush)
                if let tls {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: tls, serverHostname: options.url.serverName)
                    )
                }
                try channel.pipeline.syncOperations.addHandler(handler)
                return Link(
                    channel: channel,
                    outbox: outbox,
                    handler: NIOLoopBound(handler, eventLoop: channel.eventLoop)
                )
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
            throw CeleryError(.unreachable, "Redis at \(options.url) does not respond. Is it running?", cause: error)
        }
    }

    /// Authenticates and selects the database; returns the protocol version.
    private static func greet(_ link: Link, _ options: RedisOptions) async throws -> Int {
        let url = options.url
        var hello = RedisCommand("HELLO", "3")
        if let password = url.password {
            hello.arguments += ["AUTH", url.user ?? "default", password].map(\.redisBytes)
        }
        hello.arguments += ["SETNAME", options.name].map(\.redisBytes)
        var version = 3
        if case .error(let message)? = try await send([hello], link).first {
            guard message.hasPrefix("NOPROTO") || message.hasPrefix("ERR unknown command") else {
                throw refusal(message, url)
            }
            version = 2
            if let password = url.password {
                let arguments = ["AUTH"] + (url.user.map { [$0] } ?? []) + [password]
                try check(try await send([RedisCommand(arguments: arguments.map(\.redisBytes))], link), url)
            }
        }
        try check(try await send([RedisCommand("SELECT", url.database), RedisCommand("PING")], link), url)
        return version
    }

    private static func check(_ answers: [RedisValue], _ url: RedisURL) throws {
        for case .error(let message) in answers { throw refusal(message, url) }
    }

    private static func refusal(_ message: String, _ url: RedisURL) -> CeleryError {
        let word = message.prefix { $0 != " " }
        switch word {
        case "WRONGPASS":
            return CeleryError(.refused, "Redis at \(url) rejected the user or password: \(message)")
        case "NOAUTH":
            return CeleryError(.refused, "Redis at \(url) requires a password, and its address has none: \(message)")
        case "LOADING", "MASTERDOWN", "BUSY", "TRYAGAIN":
            return CeleryError(.unreachable, "Redis at \(url) is not ready: \(message)")
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

    /// Whether the connection is used for subscriptions only: with RESP2 every reply then counts as a push.
    private var isSubscriber = false
    /// Whether pushes are expected, so that silence is checked even without a pending reply.
    private var isListening = false

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
        // Sends a PING only after a silence of several beats.
        heart = context.eventLoop.scheduleRepeatedTask(initialDelay: beat, delay: beat) { _ in bound.value.onBeat() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        heart?.cancel()
        self.context = nil
    }

    /// Expects pushes from now on.
    func listen(isSubscriber: Bool) {
        isListening = true
        self.isSubscriber = isSubscriber
    }

    /// Sends the contents of the outbox in one write.
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
                        : CeleryError(.unreachable, "Not connected to Redis.", cause: failure)
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
            // Replaces a confirmation.
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
        // After a failover the server is a replica; reconnecting reaches the new master.
        if case .error(let message) = value, message.hasPrefix("READONLY") { context?.close(promise: nil) }
    }

    private func onBeat() {
        guard let context, isListening || !pending.isEmpty else { return }
        silentBeats += 1
        if silentBeats == 2 { ping(context) }
        guard silentBeats >= 6 else { return }
        errorCaught(context: context, error: CeleryError(.connectionLost, "Redis stopped responding."))
    }

    private func ping(_ context: ChannelHandlerContext) {
        if !isSubscriber { pending.append(RedisExchange(missing: 1) { _ in }) }
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
    let done: @Sendable (Result<[RedisValue], any Error>) -> Void
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
