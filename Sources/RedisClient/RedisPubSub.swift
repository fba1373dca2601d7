import CeleryProtocol
import Logging
import NIOCore
import ServiceLifecycle
import Support
import Synchronization

/// Channel subscriptions on one separate connection, which reconnects and resubscribes automatically. A service.
///
/// Several subscribers of one channel share a subscription, which ends with the last of them.
package final class RedisPubSub: Service {
    package typealias Handler = @Sendable (RedisMessage?) -> Void

    private struct Name: Hashable {
        var channel: String
        var isPattern = false

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
        var hasComplained = false
        var lastNumber = 0
    }

    private let options: RedisOptions
    private let state = Mutex(State())

    package init(_ options: RedisOptions) {
        self.options = options
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown { await self.keepConnected() }
    }

    /// Keeps connected until the task is cancelled, regardless of a graceful shutdown.
    package func keepConnected() async {
        await options.keepConnected(
            onPush: { [self] push in receive(push) },
            onUp: { [self] connection in
                state.withLock { state in
                    state.connection = connection
                    for (name, subscription) in state.subscriptions { request(name, subscription, on: connection) }
                }
            },
            onDown: { [self] _ in state.withLock { $0.connection = nil } }
        )
    }

    /// The messages of a channel or pattern from the return of this call on. `nil` signals a reconnection, during which
    /// messages may have been missed. Unsubscribes when the stream is released.
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
            var subscription = state.subscriptions[name] ?? Subscription()
            if subscription.handlers.isEmpty, let connection = state.connection {
                request(name, subscription, on: connection)
            }
            subscription.handlers[state.lastNumber] = handler
            state.subscriptions[name] = subscription
            return (state.lastNumber, subscription.confirmation)
        }
        return Handle(
            confirmed: { [self] in
                try await confirmation.wait(for: TimeAmount(options.connectTimeout), on: options.group.next()) {
                    [url = options.url] in
                    CeleryError.unreachable("Redis at \(url) did not confirm the subscription of \(channel).")
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
            state.connection?.submitUnanswered(name.unsubscribe)
        }
    }

    private func request(_ name: Name, _ subscription: Subscription, on connection: RedisConnection) {
        connection.subscribe(name.subscribe) { [self, confirmation = subscription.confirmation] reply in
            switch reply {
            case .success(let replies):
                if case .error(let message) = replies[0] { return refuse(confirmation, message) }
                let isAgain = confirmation.current != nil
                confirmation.open()
                if isAgain { deliver(name, nil) }
            // Requested again on the next connection.
            case .failure: break
            }
        }
    }

    private func refuse(_ confirmation: AsyncLatch<Void>, _ message: String) {
        let error = CeleryError.refused(options.url.channelRefusal(message))
        let isFirst = state.withLock { state in
            defer { state.hasComplained = true }
            return !state.hasComplained
        }
        if isFirst { options.logger.error("\(error)") }
        confirmation.settle(.failure(error))
    }

    private func receive(_ push: [RedisValue]) {
        guard push.count >= 3, let channel = push[1].text else { return }
        switch push[0].text {
        case "message":
            deliver(Name(channel: channel), RedisMessage(channel: channel, payload: push[2].bytes ?? []))
        case "pmessage":
            guard push.count >= 4, let source = push[2].text else { return }
            let message = RedisMessage(channel: source, payload: push[3].bytes ?? [])
            deliver(Name(channel: channel, isPattern: true), message)
        default: break
        }
    }

    private func deliver(_ name: Name, _ message: RedisMessage?) {
        let handlers = state.withLock { state in state.subscriptions[name].map { Array($0.handlers.values) } ?? [] }
        for handler in handlers { handler(message) }
    }
}
