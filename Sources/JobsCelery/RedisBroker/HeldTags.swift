import Logging
import Synchronization

/// The deliveries that a worker holds on a Redis broker. They are its own as long as it lives; their places in Celery's index
/// are refreshed along with its lease, so that no Python worker takes them after the visibility timeout.
final class HeldTags: Sendable {
    private let worker: WorkerIdentity
    private let keys: RedisKeys
    private let logger: Logger
    private let tags = Mutex<Set<String>>([])

    init(_ worker: WorkerIdentity, keys: RedisKeys, logger: Logger) {
        self.worker = worker
        self.keys = keys
        self.logger = logger
    }

    func hold(_ tag: String) {
        tags.withLock { _ = $0.insert(tag) }
    }

    func release(_ tag: String) {
        tags.withLock { _ = $0.remove(tag) }
    }

    func release(_ deliveries: [Delivery]) {
        tags.withLock { tags in
            for delivery in deliveries { tags.remove(delivery.tag) }
        }
    }

    /// What refreshes their places.
    var refresh: RedisScriptCall {
        BrokerScripts.refresh.call(
            keys: [keys.unackedIndex, keys.holders],
            arguments: [worker.id] + Array(tags.withLock { $0 })
        )
    }

    /// Takes in the answer: the deliveries that are this worker's no more.
    func take(_ answer: RedisValue) {
        let lost = (answer.elements ?? []).compactMap(\.text)
        let gone = tags.withLock { tags in lost.filter { tags.remove($0) != nil } }
        guard !gone.isEmpty else { return }
        logger.warning(
            "Messages of this worker were given to others, as its lease was over. They may run twice.",
            metadata: ["count": "\(gone.count)"]
        )
    }
}
