/// How a task ended, or what a running one tells, as far as others are told.
struct TaskEnd: Sendable {
    /// The held task whose end it is.
    var number: Int?
    /// What is stored; nil is nothing.
    var meta: ResultMeta?
    var delivery: Delivery
    /// What becomes of the message; nil leaves it as it is: the task runs on, or it was settled by other means.
    var settlement: Settlement?
    /// Who settles the message, when it is not the broker's any more.
    var keeper: (any DeliveryKeeper)?
    /// Whether the keeper has the message. If that is not known the broker settles it, and the keeper only forgets it.
    var isKeptForSure = true
    /// Who waits until it is stored.
    var stored: CheckedContinuation<Void, Never>?
    /// Whether it may wait a moment for others, as the worker has more to do than it can.
    var mayWait = false
    /// What is told to those who listen, when the rest is done.
    var event: (@Sendable () -> TaskEvent)?

    init(
        _ delivery: Delivery,
        _ settlement: Settlement?,
        number: Int? = nil,
        meta: ResultMeta? = nil,
        keeper: (any DeliveryKeeper)? = nil,
        event: (@Sendable () -> TaskEvent)? = nil
    ) {
        self.number = number
        self.meta = meta
        self.delivery = delivery
        self.settlement = settlement
        self.event = event
        self.keeper = keeper
    }
}
