import CeleryProtocol
import Logging
import NIOCore
import ServiceLifecycle
import Support
import Synchronization

/// Channel subscriptions on one separate connection, which reconnects and resubscribes automatically. A service.
///
/// Several subscribers of one channel share a subscription, which ends with the last of them.
package final class RedisPubSub: RedisSubscriber {
    package typealias Handler = @Sendable (RedisMessage?) -> Void

    private struct Name: Hashable {
        var channel: String
        var isPattern: Bool

        var subscribe: RedisCommand { RedisCommand(isPattern ? "PSUBSCRIBE" : "SUBSCRIBE", channel) }
        var unsubscribe: RedisCommand { RedisCommand(isPattern ? "PUNSUBSCRIBE" : "UNSUBSCRIBE", channel) }
    }

    private struct Subscription {
        var handlers: [Int: Handler] = [:]
        let confirmation = AsyncLatch<Void>()
    }

    private struct State {
        var connection: RedisConnection?
        var subscriptions: [Name: Subscription] = [:]
        /// The number of confirmations outstanding on the current connection.
        var owed: [Name: Int] = [:]
        /// The unconfirmed subscriptions, in order.
        var asked = CircularBuffer<Name>()
        var hasComplained = false
        var lastNumber = 0

        mutating func subscribe(_ names: [Name]) {
            for name in names { owed[name, default: 0] += 1 }
            asked += names
            connection?.submitUnanswered(names.map(\.subscribe))
        }
    }

    private let options: RedisOptions
    private let state = Mutex(State())

    package init(_ options: RedisOptions) {
        self.options = options
    }

    func run() async throws {
        await cancelWhenGracefulShutdown { await self.keepConnected() }
    }

    /// Keeps connected until the task is cancelled, regardless of a graceful shutdown.
    package func keepConnected() async {
        await options.keepConnected(
            onPush: { [self] push in receive(push) },
            onUp: { [self] connection in
                connection.listen(isSubscriber: true)
                state.withLock { state in
                    state.connection = connection
                    (state.owed, state.asked) = ([:], [])
                    state.subscribe(Array(state.subscriptions.keys))
                }
            },
            onDown: { [self] _ in state.withLock { $0.connection = nil } }
        )
    }

    package func messages(of channel: String, isPattern: Bool = false) async throws -> AsyncStream<RedisMessage?> {
        // Bounded; a reader that missed messages receives nil, as after a reconnection.
        let (stream, continuation) = AsyncStream<RedisMessage?>.makeStream(bufferingPolicy: .bufferingOldest(10_000))
        let lost = Mutex(false)
        let subscription = subscribe(to: channel, isPattern: isPattern) { message in
            lost.withLock { lost in
                if lost, case .enqueued = continuation.yield(nil) { lost = false }
                if !lost, case .dropped = continuation.yield(message) { lost = true }
            }
        }
        continuation.onTermination = { _ in subscription.end() }
        do {
            try await subscription.confirmed()
        } catch {
            continuation.finish()
            throw error
        }
        return stream
    }

    /// A subscription.
    package struct Handle: Sendable {
        /// Waits until Redis has confirmed the subscription.
        package let confirmed: @Sendable () async throws -> Void
        package let end: @Sendable () -> Void
    }

    /// Subscribes without waiting. The handler is called on the connection's event loop, with nil after a reconnection.
    package func subscribe(to channel: String, isPattern: Bool = false, _ handler: @escaping Handler) -> Handle {
        let name = Name(channel: channel, isPattern: isPattern)
        let (number, confirmation) = state.withLock { state in
            state.lastNumber += 1
            let isFirst = state.subscriptions[name] == nil
            state.subscriptions[name, default: Subscription()].handlers[state.lastNumber] = handler
            if isFirst { state.subscribe([name]) }
            return (state.lastNumber, state.subscriptions[name]?.confirmation)
        }
        return Handle(
            confirmed: { [self] in
                try await confirmation?.wait(for: TimeAmount(options.connectTimeout), on: options.group.next()) {
                    [url = options.url] in
                    CeleryError(.unreachable, "Redis at \(url) did not confirm the subscription of \(channel).")
                }
            },
            end: { [weak self] in self?.unsubscribe(name, number) }
        )
    }

    private func unsubscribe(_ name: Name, _ number: Int) {
        state.withLock { state in
            guard state.subscriptions[name]?.handlers.removeValue(forKey: number) != nil,
                state.subscriptions[name]?.handlers.isEmpty == true
            else { return }
            state.subscriptions[name] = nil
            state.connection?.submitUnanswered([name.unsubscribe])
        }
    }

    private func receive(_ push: [RedisValue]) {
        if case .error(let message)? = push.first { return refuse(message) }
        guard let kind = push.first?.text, push.count >= 3, let channel = push[1].text else { return }
        switch kind {
        case "subscribe": confirm(Name(channel: channel, isPattern: false))
        case "psubscribe": confirm(Name(channel: channel, isPattern: true))
        case "message":
            deliver(
                Name(channel: channel, isPattern: false),
                RedisMessage(channel: channel, payload: push[2].bytes ?? [])
            )
        case "pmessage":
            guard push.count >= 4, let source = push[2].text else { return }
            deliver(
                Name(channel: channel, isPattern: true),
                RedisMessage(channel: source, payload: push[3].bytes ?? [])
            )
        default: break
        }
    }

    private func confirm(_ name: Name) {
        let (confirmation, isAgain) = state.withLock { state in
            if let place = state.asked.firstIndex(of: name) { state.asked.remove(at: place) }
            let owed = (state.owed[name] ?? 1) - 1
            state.owed[name] = owed > 0 ? owed : nil
            let confirmation = owed > 0 ? nil : state.subscriptions[name]?.confirmation
            return (confirmation, confirmation?.current != nil)
        }
        confirmation?.settle(.success(()))
        if isAgain { deliver(name, nil) }
    }

    /// The oldest unconfirmed subscription was refused.
    private func refuse(_ message: String) {
        let error = CeleryError(.refused, options.url.channelRefusal(message))
        let (confirmation, isFirst) = state.withLock { state -> (AsyncLatch<Void>?, Bool) in
            guard let name = state.asked.popFirst() else { return (nil, false) }
            let owed = (state.owed[name] ?? 1) - 1
            state.owed[name] = owed > 0 ? owed : nil
            defer { state.hasComplained = true }
            return (owed > 0 ? nil : state.subscriptions[name]?.confirmation, !state.hasComplained)
        }
        if isFirst { options.logger.error("\(error)") }
        confirmation?.settle(.failure(error))
    }

    private func deliver(_ name: Name, _ message: RedisMessage?) {
        let handlers = state.withLock { state in state.subscriptions[name].map { Array($0.handlers.values) } ?? [] }
        for handler in handlers { handler(message) }
    }
}
