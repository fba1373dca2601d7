import Logging
import RedisClient

/// The names of Celery's keys and channels in Redis, and of those that Swift workers add.
struct RedisKeys: Sendable, Hashable {
    /// Prefix of all keys and channels (`global_keyprefix`).
    var prefix = ""
    /// Separates the parts of a key or a member (`sep`).
    let separator = "\u{06}\u{16}"
    /// A queue has one list for each of these priorities (`priority_steps`), in serving order.
    let prioritySteps = [0, 3, 6, 9]
    var database = 0

    /// Hash: delivery tag → JSON of envelope, exchange and routing key.
    var unacked: String { prefix + "unacked" }
    /// Sorted set: delivery tags by delivery time, in seconds since 1970.
    var unackedIndex: String { prefix + "unacked_index" }
    /// Sorted set: Swift workers by the end of their lease, in seconds since 1970 by Redis' clock.
    var workers: String { prefix + "dash:workers" }
    /// Hash: delivery tag → the worker's id, a line feed, and the list that the message was taken from.
    var holders: String { prefix + "dash:holders" }
    /// Sorted set: delivery tags of parked messages by due time, in milliseconds since 1970.
    var eta: String { prefix + "dash:eta" }
    /// Hash: delivery tag → the list that the message returns to, a line feed, and the envelope.
    var parked: String { prefix + "dash:parked" }
    /// List: unreadable messages, newest first.
    var rejected: String { prefix + "dash:rejected" }

    /// The keys of a delivery that a worker holds.
    var delivery: [String] { [unacked, unackedIndex, holders] }

    /// The channel that a worker subscribes to while its process lives, without the worker's id.
    var lifeLinePrefix: String { prefix + "dash:worker:" }

    /// The list of a queue for a priority: that of the largest step not above it.
    func list(of queue: String, priority: Int = 0) -> String {
        let step = prioritySteps.last { $0 <= max(priority, prioritySteps[0]) } ?? prioritySteps[0]
        return list(of: queue, step: step)
    }

    /// The lists of a queue, in serving order.
    func lists(of queue: String) -> [String] {
        prioritySteps.map { list(of: queue, step: $0) }
    }

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

    /// The sets of queues bound to an exchange; the second is for queues that do not expire.
    func bindings(of exchange: String) -> [String] {
        [prefix + "_kombu.binding." + exchange, prefix + "_kombu.binding_permanent." + exchange]
    }

    /// The member of those sets for a queue.
    func binding(routingKey: String, queue: String) -> String {
        [routingKey, "", queue].joined(separator: separator)
    }

    /// The channel of a fanout exchange.
    func channel(of exchange: String, routingKey: String = "") -> String {
        "\(prefix)/\(database).\(exchange)\(routingKey.isEmpty ? "" : "/" + routingKey)"
    }
}

/// Settings of a Redis broker; the defaults are Celery's where it has the same option.
struct RedisBrokerOptions: Sendable {
    var keys = RedisKeys()
    /// When a worker counts as dead and its deliveries are requeued.
    var terms = LivenessTerms()
    /// The longest time between two sweeps for dead workers and due messages.
    var sweep = Duration.milliseconds(500)
    /// Timeout of a command that waits for a connection, and of a connection attempt.
    var connectTimeout = Duration.seconds(5)

    func connection(to url: RedisURL, name: String = "dash", logger: Logger) -> RedisOptions {
        var options = RedisOptions(url, name: name, logger: logger)
        options.connectTimeout = connectTimeout
        return options
    }
}
