/// A message that is kept in a record, so that it can be sent again.
struct KeptMessage: Sendable, Hashable {
    /// The list that it goes to on a Redis broker.
    var list: String
    /// The message as a Redis broker carries it.
    var envelope: [UInt8]

    /// The message as it is put into its list.
    init(_ task: RawTask, keys: RedisKeys) {
        list = keys.list(of: task.routingKey, priority: task.priority)
        envelope = KombuEnvelope.encode(task)
    }
}
