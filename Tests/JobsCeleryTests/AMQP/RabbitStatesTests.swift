import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import JobsRabbitMQ

@Suite("The states of a RabbitMQ publisher and of subscriptions")
struct RabbitStatesTests {
    private func message(
        _ ticket: Int,
        _ queue: String = "q",
        kind: PublisherState.Kind = .queued
    ) -> PublisherState.Publishing {
        var task = BrokerMessage()
        (task.routingKey, task.correlationID) = (queue, "\(ticket % 10)")
        return .init(ticket: ticket, task: task, kind: kind, deadline: Int64(ticket * 100))
    }

    private func sent(_ tickets: ClosedRange<Int>) -> PublisherState {
        var state = PublisherState()
        for ticket in tickets { _ = state.add(message(ticket)) }
        for publishing in state.take(upTo: 99) { state.didSend(publishing) }
        return state
    }

    @Test("A single or multiple confirmation completes exactly the confirmed messages")
    func confirms() {
        var state = sent(1...5)
        #expect(state.confirm(2, multiple: false, isRefused: false).map(\.ticket) == [2])
        #expect(state.confirm(3, multiple: true, isRefused: false).map(\.ticket) == [1, 3])
        #expect(state.confirm(3, multiple: true, isRefused: false).isEmpty)
        let refused = state.confirm(5, multiple: true, isRefused: true)
        #expect(refused.map(\.ticket) == [4, 5])
        #expect(refused.map(\.error?.code) == [.server, .server])
        #expect(!state.isBusy)
    }

    @Test("A returned message fails at its confirmation, and only that one")
    func returns() {
        var state = sent(1...3)
        state.returnToQueue(message(2).task, reason: "312 NO_ROUTE")
        let outcomes = state.confirm(3, multiple: true, isRefused: false)
        #expect(outcomes.map(\.error?.code) == [nil, .server, nil])
    }

    @Test("A loss fails sent messages but not waiting ones; a refused login fails both")
    func losses() {
        var state = sent(1...2)
        _ = state.add(message(3))
        let outcomes = state.lost(CeleryError(.connectionLost, "gone"))
        #expect(Set(outcomes.map(\.ticket)) == [1, 2])
        #expect(outcomes.allSatisfy { $0.error?.code == .connectionLost })
        #expect(state.lost(CeleryError(.refused, "no")).map(\.ticket) == [3])
        #expect(state.add(message(4))?.error?.code == .refused)
        state.opened()
        #expect(state.add(message(5)) == nil)
        #expect(state.take(upTo: 9).map(\.ticket) == [5])
    }

    @Test("At its deadline an unsent message fails as unreachable, an unconfirmed one as lost")
    func expires() {
        var state = sent(1...1)
        _ = state.add(message(2))
        _ = state.add(message(3))
        #expect(state.deadline == 100)
        let outcomes = state.expire(now: 250, blocked: "low on memory")
        #expect(outcomes.map(\.ticket) == [2, 1])
        #expect(outcomes.map(\.error?.code) == [.unreachable, .connectionLost])
        #expect(state.take(upTo: 9).map(\.ticket) == [3])
    }

    @Test("Messages put back are sent first, forgotten ones not at all; the end fails all")
    func order() {
        var state = PublisherState()
        for ticket in 1...4 { _ = state.add(message(ticket)) }
        let taken = state.take(upTo: 2)
        state.putBack(taken)
        state.forget(2)
        #expect(state.take(upTo: 2).map(\.ticket) == [1, 3])
        #expect(state.end().map(\.ticket) == [4])
        #expect(state.add(message(5))?.error?.code == .unreachable)
    }

    @Test("Queues are consumed and cancelled as wanted, and the limit is set before")
    func subscribes() {
        var subscriptions = Subscriptions(["a", "b", "a"])
        let first = subscriptions.plan(limit: 4, wholeChannel: true)
        #expect(first.prefetch == 4)
        #expect(first.consume.map(\.queue) == ["a", "b"])
        subscriptions.didLimit(4)
        for consumer in first.consume { subscriptions.willConsume(consumer) }
        #expect(subscriptions.plan(limit: 4, wholeChannel: true) == .init())
        #expect(subscriptions.plan(limit: 5, wholeChannel: true) == .init(prefetch: 5))
        subscriptions.remove("a")
        subscriptions.add("c")
        let second = subscriptions.plan(limit: 4, wholeChannel: true)
        #expect(second.cancel == [first.consume[0].tag])
        #expect(second.consume.map(\.queue) == ["c"])
        #expect(!first.consume.contains { $0.tag == second.consume[0].tag })
    }

    @Test("With limits per consumer a new limit renews the consumers; a limit of 0 pauses")
    func limitsEach() {
        var subscriptions = Subscriptions(["a"])
        for consumer in subscriptions.plan(limit: 1, wholeChannel: false).consume {
            subscriptions.willConsume(consumer)
        }
        subscriptions.didLimit(1)
        let plan = subscriptions.plan(limit: 2, wholeChannel: false)
        #expect((plan.cancel.count, plan.prefetch, plan.consume.count) == (1, 2, 1))
        #expect(subscriptions.plan(limit: 0, wholeChannel: true) == .init(cancel: ["dash1"]))
        subscriptions.lost()
        #expect(subscriptions.plan(limit: 1, wholeChannel: true).consume.count == 1)
    }
}
