/// The addresses of a broker and of results, as Celery writes them.
enum CeleryAddress {
    enum Broker: Sendable {
        case redis(RedisURL)
        case rabbit(AMQPURL)

        init(_ text: String) throws {
            switch CeleryAddress.scheme(of: text) {
            case "redis", "rediss", "redis+socket", "unix": self = .redis(try RedisURL(text))
            case "amqp", "amqps", "pyamqp", "librabbitmq": self = .rabbit(try AMQPURL(text))
            case let scheme:
                throw CeleryError(
                    .option,
                    "The broker's address begins with “\(scheme)”. Brokers are redis://, rediss://, amqp:// and amqps://."
                )
            }
        }
    }

    enum Results: Sendable {
        case redis(RedisURL)
        /// On the queue of the one who asks.
        case rpc

        init(_ text: String?, broker: Broker) throws {
            switch (text, broker) {
            case (nil, .redis(let url)): self = .redis(url)
            case (nil, .rabbit):
                throw CeleryError(
                    .option,
                    "RabbitMQ carries messages but keeps no results: name a Redis for them (redis://…, in the environment "
                        + "CELERY_RESULT_BACKEND), or rpc:// when there is only one web server."
                )
            case (let text?, _): self = try Self.named(text, broker)
            }
        }

        private static func named(_ text: String, _ broker: Broker) throws -> Results {
            let scheme = CeleryAddress.scheme(of: text)
            switch (scheme, broker) {
            case ("redis", _), ("rediss", _), ("redis+socket", _), ("unix", _): return .redis(try RedisURL(text))
            case ("rpc", .rabbit): return .rpc
            case ("rpc", .redis):
                throw CeleryError(
                    .option,
                    "Results by rpc:// go with RabbitMQ. With a Redis broker name a Redis, or none."
                )
            default:
                let isCelerys = CeleryAddress.otherResults.contains { scheme == $0 || scheme.hasPrefix($0 + "+") }
                let what = isCelerys ? "Celery can keep results there, but this program cannot" : "That is not known"
                throw CeleryError(
                    .option,
                    "The address of the results begins with “\(scheme)”. \(what): use redis:// or rediss://, or rpc:// with "
                        + "RabbitMQ and a single web server."
                )
            }
        }
    }

    /// Where Celery can keep results besides.
    private static let otherResults = [
        "db", "database", "sqlite", "postgresql", "mysql", "mongodb", "cache", "memcache", "memcached", "couchbase",
        "couchdb", "cassandra", "elasticsearch", "dynamodb", "file", "filesystem", "s3", "gs", "azureblockblob",
        "cosmosdbsql", "arangodb", "consul", "django-db", "django-cache", "amqp", "sentinel", "riak",
    ]

    /// What stands before `:`; never more, as a password may follow.
    private static func scheme(of text: String) -> String {
        let start = text.prefix { $0 != ":" && $0 != "/" && $0 != "@" }
        return start.count == text.count ? String(start.prefix(12)) : start.lowercased()
    }
}
