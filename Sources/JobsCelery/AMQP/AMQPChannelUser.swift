/// Somebody who has a channel of a connection. All is called on the connection's thread, so nothing here may wait for
/// anything but the server's answer to a question on the channel.
protocol AMQPChannelUser: AnyObject, Sendable {
    /// The channel was opened: at the beginning, and after every loss. Declares and consumes.
    ///
    /// - Throws: `AMQPClosed`. The channel is opened again a little later.
    func open(_ channel: AMQPChannel) throws

    /// Something came on the channel.
    func receive(_ event: AMQPEvent)

    /// Does what was asked for meanwhile, after each round of events, after the doorbell rang and at `deadline`; `channel`
    /// is nil while there is none.
    func work(on channel: AMQPChannel?) throws

    /// The channel or the connection was lost, or a try to connect failed.
    func lost(_ error: CeleryError)

    /// The connection was ended by ourselves: there will be no channel any more.
    func ended()

    /// Whether it has a channel, if there is a connection.
    var wantsChannel: Bool { get }

    /// When `work` is to be called at the latest, by `AMQPClock`.
    var deadline: Int64? { get }

    /// Whether an answer is waited for that should still be received before the connection is ended.
    var isBusy: Bool { get }
}

extension AMQPChannelUser {
    var wantsChannel: Bool { true }
    var deadline: Int64? { nil }
    var isBusy: Bool { false }
}
