import Logging
import Testing

@testable import JobsCelery

/// The bound of a time that is promised on a machine with nothing else to do: a busy one may be ten times slower.
func promised(_ time: Duration) -> Duration { time * 10 }

/// Waits for what no event announces. The limit is for what never comes; a busy machine may take its time.
func until(
    within limit: Duration = .seconds(120),
    at place: SourceLocation = #_sourceLocation,
    _ isSo: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !isSo() {
        try #require(ContinuousClock.now < deadline, sourceLocation: place)
        try await Task.sleep(for: .milliseconds(10))
    }
}

extension Duration {
    /// How long connections wait for a busy server, in tests of anything but that wait.
    static let patience = Duration.seconds(120)
}

extension RedisOptions {
    /// Connections that wait long for a busy server.
    static func patient(_ url: RedisURL) -> RedisOptions {
        var options = RedisOptions(url, logger: .quiet)
        options.connectTimeout = .patience
        return options
    }
}

extension RedisBrokerOptions {
    /// Connections that wait long for a busy server, and workers that a busy machine does not take for dead: those whose
    /// subscription is gone are found as fast as ever.
    static var patient: Self {
        var options = Self()
        options.connectTimeout = .patience
        options.terms.lease = .seconds(60)
        return options
    }
}

extension RedisBroker {
    /// A broker that waits long for a busy server.
    static func patient(_ url: RedisURL) -> RedisBroker {
        RedisBroker(url, options: .patient, logger: .quiet)
    }
}

extension RabbitOptions {
    /// Waits long until a busy server has taken a message.
    static var patient: Self {
        var options = Self()
        options.publishTimeout = 120_000
        return options
    }
}

extension AMQPURL {
    /// The same with much time to connect, and heartbeats that a busy machine does not miss.
    var patient: AMQPURL {
        var url = self
        (url.connectTimeout, url.heartbeat) = (120, 60)
        return url
    }
}
