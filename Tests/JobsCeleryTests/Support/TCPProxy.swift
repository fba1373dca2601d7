import NIOCore
import NIOPosix
import Synchronization

/// A TCP proxy that injects network faults: resets, delays, half-open connections.
final class TCPProxy: Sendable {
    enum Mood: Sendable {
        case passes
        /// Delays bytes by this time.
        case delays(Duration)
        /// Drops bytes silently, as a half-open connection does.
        case swallows
    }

    private struct State {
        /// The two ends of each connection, by its number.
        var connections: [Int: [any Channel]] = [:]
        var moods: [Int: Mood] = [:]
        var moodOfNew = Mood.passes
        var count = 0
        /// The number of reads from the client and from the server, by connection.
        var passages: [Int: [Int]] = [:]
        var listener: (any Channel)?
    }

    private let swallowed = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    let port: Int
    private let target: Int
    private let state = Mutex(State())

    private init(port: Int, target: Int) {
        self.port = port
        self.target = target
    }

    /// Starts a proxy on a free port of 127.0.0.1.
    static func start(to target: Int) async throws -> TCPProxy {
        let proxy = TCPProxy(port: try freePort(), target: target)
        try await proxy.listen()
        return proxy
    }

    deinit { end() }

    /// The number of connections made in total.
    var count: Int { state.withLock { $0.count } }
    /// The number of open connections.
    var open: Int { state.withLock { $0.connections.count } }

    /// The smallest number of reads on any end of any connection since `forgetPassages`.
    var leastPassages: Int {
        state.withLock { state in
            state.connections.keys.map { state.passages[$0]?.min() ?? 0 }.min() ?? 0
        }
    }

    func forgetPassages() { state.withLock { $0.passages = [:] } }

    /// Starts to accept connections.
    func listen() async throws {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: false)
            .childChannelInitializer { [weak self] channel in
                guard let self else { return channel.close() }
                return connect(channel)
            }
            .bind(host: "127.0.0.1", port: port).get()
        state.withLock { $0.listener = listener }
    }

    /// Resets all connections; new ones are accepted.
    func cut() {
        for channel in state.withLock({ $0.connections.values.flatMap { $0 } }) {
            // With a linger of zero, close sends a reset.
            if let provider = channel as? any SocketOptionProvider {
                _ = provider.setSoLinger(linger(l_onoff: 1, l_linger: 0))
            }
            channel.close(promise: nil)
        }
    }

    /// Refuses new connections and resets the open ones.
    func shut() async throws {
        try await state.withLock { $0.listener.take() }?.close().get()
        cut()
    }

    /// Changes the mood of the open connections and, if requested, of new ones.
    func become(_ mood: Mood, forNewOnes: Bool = false) {
        state.withLock { state in
            for number in state.connections.keys { state.moods[number] = mood }
            if forNewOnes { state.moodOfNew = mood }
        }
    }

    /// Waits until bytes were dropped.
    func hasSwallowed() async {
        for await _ in swallowed.stream { return }
    }

    func end() {
        state.withLock { $0.listener.take() }?.close(promise: nil)
        cut()
    }

    private func connect(_ client: any Channel) -> EventLoopFuture<Void> {
        let number = state.withLock { state in
            state.count += 1
            state.moods[state.count] = state.moodOfNew
            return state.count
        }
        return ClientBootstrap(group: client.eventLoop).channelOption(.autoRead, value: false)
            .connect(host: "127.0.0.1", port: target)
            .flatMapThrowing { [self] server in
                try server.pipeline.syncOperations.addHandler(Passage(self, number, end: 1, other: client))
                try client.pipeline.syncOperations.addHandler(Passage(self, number, end: 0, other: server))
                state.withLock { $0.connections[number] = [client, server] }
            }
            .flatMap { [self] in
                state.withLock { $0.connections[number]?.last }?.setOption(.autoRead, value: true)
                    ?? client.eventLoop.makeSucceededVoidFuture()
            }
    }

    fileprivate func pass(_ number: Int, _ end: Int) {
        state.withLock { $0.passages[number, default: [0, 0]][end] += 1 }
    }

    fileprivate func swallow() { swallowed.continuation.yield() }

    fileprivate func mood(_ number: Int) -> Mood { state.withLock { $0.moods[number] ?? .passes } }

    fileprivate func forget(_ number: Int) {
        state.withLock { state in
            state.connections[number] = nil
            state.moods[number] = nil
            state.passages[number] = nil
        }
    }
}

/// One direction of one connection.
private final class Passage: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private weak let proxy: TCPProxy?
    private let number: Int
    private let end: Int
    private let other: any Channel

    /// - Parameter end: 0 takes bytes from the client, 1 from the server.
    init(_ proxy: TCPProxy, _ number: Int, end: Int, other: any Channel) {
        self.proxy = proxy
        (self.number, self.end) = (number, end)
        self.other = other
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        proxy?.pass(number, end)
        switch proxy?.mood(number) ?? .passes {
        case .passes: other.writeAndFlush(bytes, promise: nil)
        case .delays(let time):
            context.eventLoop.scheduleTask(in: TimeAmount(time)) { [other] in other.writeAndFlush(bytes, promise: nil) }
        case .swallows: proxy?.swallow()
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        proxy?.forget(number)
        other.close(promise: nil)
    }
}
