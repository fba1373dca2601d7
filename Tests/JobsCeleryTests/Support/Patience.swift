@testable import JobsCelery

/// The bound of a time that is promised on a machine with nothing else to do: a busy one may be ten times slower.
func promised(_ time: Duration) -> Duration { time * 10 }

extension RedisOptions {
    /// Connections that wait long for a busy server, for tests of anything but that wait.
    static func patient(_ url: RedisURL) -> RedisOptions {
        var options = RedisOptions(url, logger: .quiet)
        options.connectTimeout = .seconds(10)
        return options
    }
}
