import NIOCore
import Synchronization

/// Notifies a held poll that its browser has closed the connection.
///
/// Hummingbird's own detection closes the connection after the response, so a polling page would need a new connection
/// for every poll.
final class ConnectionWatch: Sendable {
    private struct State {
        var isClosed = false
        var address: String?
        var action: (@Sendable () -> Void)?
    }
    private let state = Mutex(State())

    /// Calls `action` once when the browser closes the connection, immediately if it is closed already; nil removes the
    /// action.
    func onClose(_ action: (@Sendable () -> Void)?) {
        let isClosed = state.withLock { state in
            state.action = state.isClosed ? nil : action
            return state.isClosed
        }
        if isClosed { action?() }
    }

    /// The remote address; nil if unknown.
    var address: String? { state.withLock { $0.address } }

    fileprivate func opened(by address: String?) { state.withLock { $0.address = address } }

    fileprivate func close() {
        let action = state.withLock { state in
            state.isClosed = true
            defer { state.action = nil }
            return state.action
        }
        action?()
    }
}

/// The watches of all open connections, by channel.
final class ConnectionWatches: Sendable {
    private let watches = Mutex<[ObjectIdentifier: ConnectionWatch]>([:])

    /// The watch of the connection of `channel`.
    func watch(of channel: any Channel) -> ConnectionWatch? {
        watches.withLock { $0[ObjectIdentifier(channel)] }
    }

    /// The handler to add to each new connection.
    func makeHandler() -> any RemovableChannelHandler & Sendable {
        ConnectionWatchHandler(watches: self)
    }

    fileprivate func add(_ watch: ConnectionWatch, for channel: any Channel) {
        watches.withLock { $0[ObjectIdentifier(channel)] = watch }
    }

    fileprivate func remove(_ channel: any Channel) {
        watches.withLock { $0[ObjectIdentifier(channel)] = nil }
    }
}

/// Detects the end of a connection's input, which a half-closed connection would otherwise hide.
private final class ConnectionWatchHandler: ChannelInboundHandler, RemovableChannelHandler, Sendable {
    typealias InboundIn = NIOAny
    private let watches: ConnectionWatches
    private let watch = ConnectionWatch()

    init(watches: ConnectionWatches) {
        self.watches = watches
    }

    func handlerAdded(context: ChannelHandlerContext) {
        watch.opened(by: context.channel.remoteAddress?.ipAddress)
        watches.add(watch, for: context.channel)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        watches.remove(context.channel)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed { watch.close() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        watch.close()
        watches.remove(context.channel)
        context.fireChannelInactive()
    }
}
