import Logging

/// The names of Celery's keys and channels in Redis, and of those that Swift's workers add.
struct RedisKeys: Sendable, Hashable {
    /// Stands before all keys and channels (`global_keyprefix`).
    var prefix = ""
    /// Between the parts of a name or a member (`sep`).
    var separator = "\u{06}\u{16}"
    /// A queue has a list for each of these priorities (`priority_steps`); the first is served first.
    var prioritySteps = [0, 3, 6, 9]
    var unackedName = "unacked"
    var unackedIndexName = "unacked_index"
    /// Before the names of channels, followed by a dot; `{db}` is the database (`fanout_prefix`).
    var fanoutPrefix = "/{db}."
    var database = 0

    /// Hash: delivery tag → JSON of envelope, exchange and routing key.
    var unacked: String { prefix + unackedName }
    /// Sorted set: delivery tags by the time of their delivery, in seconds since 1970.
    var unackedIndex: String { prefix + unackedIndexName }
    /// Sorted set: Swift workers by when their lease ends, in seconds since 1970 by Redis' clock.
    var workers: String { prefix + "dash:workers" }
    /// Hash: delivery tag → the worker's id, a line feed, and the list that the message was taken from.
    var holders: String { prefix + "dash:holders" }
    /// Sorted set: delivery tags of messages that wait for a time, by it, in milliseconds since 1970.
    var eta: String { prefix + "dash:eta" }
    /// Hash: delivery tag → the list that the message is to go back to, a line feed, and the envelope.
    var parked: String { prefix + "dash:parked" }
    /// List: what could not be read, the newest first.
    var rejected: String { prefix + "dash:rejected" }

    /// The channel that a worker listens to as long as its process lives.
    func lifeLine(of worker: String) -> String { lifeLinePrefix + worker }
    var lifeLinePrefix: String { prefix + "dash:worker:" }

    /// The list of a queue for messages of a priority: the largest step that is not above it.
    func list(of queue: String, priority: Int = 0) -> String {
        let step = prioritySteps.last { $0 <= max(priority, prioritySteps[0]) } ?? prioritySteps[0]
        return list(of: queue, step: step)
    }

    /// The lists of a queue, in the order in which they are served.
    func lists(of queue: String) -> [String] {
        prioritySteps.map { list(of: queue, step: $0) }
    }

    /// The queue that a list belongs to.
    func queue(of list: String) -> String {
        let name = list.dropFirst(prefix.count)
        for step in prioritySteps where step != 0 && name.hasSuffix(separator + String(step)) {
            return String(name.dropLast((separator + String(step)).count))
        }
        return String(name)
    }

    private func list(of queue: String, step: Int) -> String {
        prefix + (step == 0 ? queue : queue + separator + String(step))
    }

    /// The sets that name the queues of an exchange; the second is of queues that do not expire.
    func bindings(of exchange: String) -> [String] {
        [prefix + "_kombu.binding." + exchange, prefix + "_kombu.binding_permanent." + exchange]
    }

    /// What stands in those sets for a queue.
    func binding(routingKey: String, queue: String) -> String {
        [routingKey, "", queue].joined(separator: separator)
    }

    /// The routing key and the queue of a member of those sets.
    func binding(_ member: String) -> (routingKey: String, queue: String)? {
        let parts = member.split(separator: separator, omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        return (String(parts[0]), String(parts[2]))
    }

    /// The channel of a fanout exchange.
    func channel(of exchange: String, routingKey: String = "") -> String {
        let start = fanoutPrefix.replacing("{db}", with: String(database))
        return prefix + start + exchange + (routingKey.isEmpty ? "" : "/" + routingKey)
    }
}

/// How a broker over Redis works; the defaults are Celery's where it has the option too.
struct RedisBrokerOptions: Sendable {
    var keys = RedisKeys()
    /// When a worker counts as dead: its deliveries go to others then.
    var terms = LivenessTerms()
    /// The longest time between two looks at workers and etas.
    var sweep = Duration.milliseconds(500)
    /// The time between two looks for messages whose worker has no lease at all, not even one that is over.
    var audit = Duration.seconds(60)
    /// How often an idle worker looks for messages where Redis cannot call it (before Redis 6).
    var poll = Duration.milliseconds(100)
    /// How long a command waits for a connection, and a connection for the server.
    var connectTimeout = Duration.seconds(5)
    /// How many unreadable messages are kept.
    var rejectedLimit = 1000
    /// How long a worker that stops tries to give back what it holds.
    var farewell = Duration.seconds(5)

    /// A connection to the broker's Redis.
    func connection(to url: RedisURL, name: String = "dash", logger: Logger) -> RedisOptions {
        var options = RedisOptions(url, name: name, logger: logger)
        options.connectTimeout = connectTimeout
        return options
    }
}
