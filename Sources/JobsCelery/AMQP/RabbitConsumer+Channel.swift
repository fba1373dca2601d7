import Logging
import Support
import Synchronization

/// What the consumer does on the connection's thread.
extension RabbitConsumer {
    /// How long a queue that vanished is left alone, in milliseconds.
    private static let pauseAfterCancellation: Int64 = 1000

    func open(_ channel: AMQPChannel) throws {
        state.withLock { $0.deliveries.opened(now: AMQPClock.now) }
    }

    func receive(_ event: AMQPEvent) {
        state.withLock { state in
            switch event {
            case .delivered(let message):
                let queue = state.subscriptions.queue(of: message.consumerTag)
                state.deliveries.deliver(message, queue: queue, now: AMQPClock.now)
            case .consumerCancelled(let tag):
                if let queue = state.subscriptions.queue(of: tag) { state.declared.remove(queue) }
                state.subscriptions.didCancel(tag)
                state.consumesAt = AMQPClock.now + Self.pauseAfterCancellation
            case .returned, .confirmed, .refused: break
            }
        }
    }

    func work(on channel: AMQPChannel?) throws {
        state.withLock { $0.deliveries.release(dueAt: WallClock.milliseconds()) }
        if let channel {
            try subscribe(on: channel)
            try settle(on: channel)
        }
        handOut()
    }

    /// Without its channel, the server gives all that is unsettled to others.
    var wantsChannel: Bool { state.withLock { !$0.isLapsed } }

    /// Makes the server's consumers those that are wanted.
    private func subscribe(on channel: AMQPChannel) throws {
        let (plan, wholeChannel) = state.withLock { state in
            let wholeChannel = isWholeChannel(state, channel.session)
            return (state.subscriptions.plan(limit: state.limit, wholeChannel: wholeChannel), wholeChannel)
        }
        for tag in plan.cancel {
            try channel.cancel(tag: tag)
            state.withLock { state in
                if let queue = state.subscriptions.queue(of: tag), !state.subscriptions.wanted.contains(queue) {
                    state.deliveries.leave(queue: queue)
                }
                state.subscriptions.didCancel(tag)
            }
        }
        // None is to wait here: what came before the server heard of that goes to those who want it.
        state.withLock { if $0.limit == 0 { $0.deliveries.giveBackReady() } }
        if let limit = plan.prefetch {
            try channel.limit(to: limit, wholeChannel: wholeChannel)
            state.withLock { $0.subscriptions.didLimit(limit) }
        }
        if state.withLock({ $0.consumesAt <= AMQPClock.now }) {
            for consumer in plan.consume { try consume(consumer, on: channel) }
        }
        answerChanges()
    }

    private func isWholeChannel(_ state: State, _ session: AMQPSession) -> Bool {
        session.serverVersion < 4 && !state.refusesChannelLimit
            && !state.subscriptions.wanted.contains { options.queue($0).isQuorum }
    }

    private func consume(_ consumer: Subscriptions.Consumer, on channel: AMQPChannel) throws {
        if state.withLock({ !$0.declared.contains(consumer.queue) }) {
            let declarations = options.queue(consumer.queue).declarations(consumer.queue)
            for difference in try channel.session.declare(declarations) { logger.warning("\(difference)") }
            state.withLock { _ = $0.declared.insert(consumer.queue) }
        }
        state.withLock { $0.subscriptions.willConsume(consumer) }
        try channel.consume(consumer.queue, tag: consumer.tag, acknowledges: true)
    }

    /// Those that wait for a queue that is consumed now, or no more.
    private func answerChanges() {
        let done = state.withLock { state in
            let subscriptions = state.subscriptions
            let done = state.changes.filter { change in
                subscriptions.isStopped
                    || subscriptions.wanted.contains(change.queue) == subscriptions.isConsuming(change.queue)
            }
            state.changes.removeAll { change in done.contains { $0.queue == change.queue } }
            return done
        }
        for change in done { change.caller.resume() }
    }

    private func settle(on channel: AMQPChannel) throws {
        let frames = state.withLock { $0.deliveries.takeFrames() }
        if frames.count > 1 { channel.session.cork(true) }
        defer { if frames.count > 1 { channel.session.cork(false) } }
        for frame in frames {
            switch frame {
            case .acknowledge(let number, let multiple): try channel.acknowledge(number, multiple: multiple)
            case .reject(let number, let requeue): try channel.reject(number, requeue: requeue)
            }
        }
    }

    private func handOut() {
        while true {
            let next = state.withLock { state -> (Fetcher, [Delivery])? in
                guard state.deliveries.hasReady, !state.fetchers.isEmpty else { return nil }
                let fetcher = state.fetchers.removeFirst()
                return (fetcher, state.deliveries.take(upTo: fetcher.limit))
            }
            guard let (fetcher, deliveries) = next else { return }
            fetcher.caller.resume(returning: deliveries)
        }
    }

    func lost(_ error: CeleryError) {
        let refused = state.withLock { state in
            state.deliveries.lost(now: AMQPClock.now)
            state.subscriptions.lost()
            state.declared = []
            if error.message.contains("global qos") { state.refusesChannelLimit = true }
            defer { state.changes = [] }
            // Only what the server refused is the fault of who asked for it; what was asked otherwise is done later.
            let refused = error.code == .refused || error.code == .server ? state.changes : []
            for change in refused { state.subscriptions.remove(change.queue) }
            for change in state.changes where refused.isEmpty { change.caller.resume() }
            return refused
        }
        for change in refused { change.caller.resume(throwing: error) }
    }

    var deadline: Int64? {
        state.withLock { state in
            let due = state.deliveries.nextDue.map { AMQPClock.now + max(0, $0 - WallClock.milliseconds()) }
            let again = state.consumesAt > AMQPClock.now ? state.consumesAt : nil
            return [due, again].compactMap(\.self).min()
        }
    }
}
