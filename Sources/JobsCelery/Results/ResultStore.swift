import DashJSON
import Synchronization

/// Where results are kept, or sent to.
protocol ResultStore: Sendable {
    /// Stores how a task stands and tells who waits for it.
    ///
    /// - Returns: false if it had succeeded already: a success is never overwritten.
    @discardableResult
    func store(_ meta: ResultMeta) async throws -> Bool

    /// Stores several, in their order and in one go where the store can.
    ///
    /// - Throws: When any could not be stored; all may be stored again then.
    func store(_ metas: [ResultMeta]) async throws

    /// The store, if it is in Redis: scripts write results together with other things there.
    var inRedis: RedisResults? { get }

    /// What is stored of tasks, in their order; nil where nothing is.
    func read(_ ids: [String]) async throws -> [ResultMeta?]

    /// How a task stands, now and whenever that changes, until it has ended. What is told twice comes twice.
    func watch(_ id: String) async throws -> AsyncStream<ResultMeta>

    /// Forgets what is stored of a task.
    func forget(_ id: String) async throws
}

extension ResultStore {
    /// One after the other.
    func store(_ metas: [ResultMeta]) async throws {
        for meta in metas { try await store(meta) }
    }

    /// It is elsewhere.
    var inRedis: RedisResults? { nil }
}

/// Where the parts of chords are counted.
protocol ChordStore: Sendable {
    /// Says how many parts a chord has, before the first of them is sent.
    func open(_ group: String, size: Int) async throws

    /// Notes the end of a part, once however often it is said.
    ///
    /// - Returns: the chord if this was the last part and nobody else sends its body: then send it and `close` the chord.
    ///   Who says it again with the same `claim`, because the body could not be sent, gets the chord again.
    func end(_ part: ChordPart) async throws -> CompleteChord?

    /// Makes sure that the body may be sent, just before that.
    ///
    /// - Returns: false if somebody else took over.
    func keep(_ chord: CompleteChord) async throws -> Bool

    /// Tidies up after the body was sent.
    func close(_ chord: CompleteChord) async throws

    /// Tidies up after the body was made to fail.
    func fail(_ chord: CompleteChord) async throws
}

/// A task of a chord's header that has ended.
struct ChordPart: Sendable, Hashable {
    var taskID: String
    var group: String
    /// The place of its result; nil puts it last.
    var index: Int?
    var state: TaskState
    /// The value, or the exception.
    var result: RawJSON
    /// What is to be sent when all parts have ended.
    var body: Signature
    /// The tree that the body belongs to.
    var rootID: String
    /// Proves, when the part completes the chord, that it is ours to send the body: of this end of the part and no other.
    var claim: String
}

/// A chord all of whose parts have ended.
struct CompleteChord: Sendable, Hashable {
    /// The part that completed it.
    var part: ChordPart
    /// The results in order, or why the body must not be sent.
    var outcome: Result<RawJSON, TaskException>
}

/// Follows one task: what was stored first, then what its channel tells, until it has ended.
final class ResultWatch: Sendable {
    private let id: String
    private let results: RedisResults
    private let messages: AsyncStream<RedisMessage?>
    /// What is to be told next, and whether nothing follows.
    private let state: Mutex<(pending: ResultMeta?, isOver: Bool)>

    init(id: String, results: RedisResults, messages: AsyncStream<RedisMessage?>, first: ResultMeta?) {
        self.id = id
        self.results = results
        self.messages = messages
        state = Mutex((first, false))
    }

    /// The next news; nil when there are none any more. To be called by one reader.
    func next() async -> ResultMeta? {
        if let meta = takePending() { return meta }
        if state.withLock({ $0.isOver }) { return nil }
        for await message in messages {
            guard let meta = await meta(of: message) else { continue }
            state.withLock { $0.isOver = meta.status.isReady }
            return meta
        }
        return nil
    }

    private func takePending() -> ResultMeta? {
        state.withLock { state in
            defer { state.pending = nil }
            state.isOver = state.isOver || state.pending?.status.isReady == true
            return state.pending
        }
    }

    /// What a message tells; after a lost connection, what is stored.
    private func meta(of message: RedisMessage?) async -> ResultMeta? {
        guard let message else { return try? await results.read([id])[0] }
        return try? ResultMeta(reading: message.payload, taskID: id)
    }
}

/// Which queue a signature goes to that names none.
struct TaskRoutes: Sendable, Hashable {
    /// The tasks of this program, by their names on the queue.
    var ownTasks: Set<String> = []
    /// Where this program's tasks go.
    var ownQueue = "dash"
    /// Where all others go: Celery's own default.
    var otherQueue = "celery"

    /// The queue that the signature names, else the one of its task.
    func queue(of signature: Signature) -> String {
        for option in ["queue", "routing_key"] {
            if let queue = signature.options[option]?.stringValue, !queue.isEmpty { return queue }
        }
        return ownTasks.contains(signature.task) ? ownQueue : otherQueue
    }
}
