import NIOCore
import Synchronization

/// Tells a held poll that its browser has closed the connection.
///
/// Hummingbird's own way to notice this ends the connection after the answer; a page that polls would then need a new
/// connection for every poll.
final class ConnectionWatch: Sendable {
    private struct State {
        var isClosed = false
        var address: String?
        var action: (@Sendable () -> Void)?
    }
    private let state = Mutex(State())

    /// Calls `action` once when the browser closes the connection, at once when it has; nil takes the wish back.
    func onClose(_ action: (@Sendable () -> Void)?) {
        let isClosed = state.withLock { state in
            state.action = state.isClosed ? nil : action
            return state.isClosed
        }
        if isClosed { action?() }
    }

    /// The address of the other side; nil if it is not known.
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

/// The watches of all open connections, found by channel.
final class ConnectionWatches: Sendable {
    private let watches = Mutex<[ObjectIdentifier: ConnectionWatch]>([:])

    /// The watch of the connection that `channel` is.
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

/// Notices the end of a connection's input, which half-closed connections would otherwise keep to themselves.
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
