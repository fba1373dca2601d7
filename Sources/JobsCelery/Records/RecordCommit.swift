import CeleryProtocol
import DashJSON
import Jobs
import RedisClient

/// A transition to apply in Redis, with the parts that only a queue adds: the job's message, its delivery, Celery's
/// result.
struct RecordCommit: Sendable {
    /// What a commit returns or stores besides its name.
    enum Answer: String, Sendable {
        /// Nothing.
        case none = ""
        /// Returns the record's facts.
        case facts
        /// Completes an attempt: the name is stored until the next completion.
        case end
    }

    /// The delivery of a message to a worker.
    struct Holding: Sendable {
        var tag: String
        var worker: String
    }

    let transition: JobTransition
    /// Idempotency key: a repeated commit changes nothing. Empty if repeats are harmless.
    var name = ""
    var answer = Answer.none
    /// The request and message that a start stores.
    private(set) var start: (request: JobRequest, message: BrokerMessage)?
    /// The message that begins an attempt.
    var beginning: Holding?
    /// The message to acknowledge.
    var settling: Holding?
    /// Whether a queued job's message must be sent; not if the worker requeues it.
    var sendsMessage = true
    /// The task's result for Celery's programs.
    var meta: [UInt8]?
    /// A digest of the Celery result that the commit applies; refused if it was applied before.
    var report: String?
    /// The leader whose landing list the job is on.
    var landedFrom: JobID?
    /// The last send time that a search for lost messages found; refused if it has changed.
    var sent: String?
    /// Whether another program's worker runs the job.
    private(set) var isRemote = false
    /// What an unfinished job counts toward the limits: its owner and the bytes of its input.
    private(set) var share: (owner: String, bytes: Int)?

    /// A transition that does not end an unfinished job, so that its facts are not needed.
    init(unread transition: JobTransition) { self.transition = transition }

    /// A transition of a job.
    init(_ transition: JobTransition, of facts: RecordFacts, name: String = "") {
        self.transition = transition
        self.name = name
        isRemote = facts.job.isRemote
        if !facts.job.state.isFinished { share = (facts.owner, facts.bytes) }
    }

    /// A transition that stores a new job.
    init(_ transition: JobTransition, starting request: JobRequest, _ message: BrokerMessage, name: String = "") {
        self.transition = transition
        self.name = name
        start = (request, message)
        isRemote = request.remote != nil
        share = (request.owner, request.inputBytes)
    }
}

/// The result of a commit.
enum CommitResult: Sendable {
    /// All changes are made. With the reply of the change that has one, and the facts if requested. If an earlier call
    /// made the changes, without a reply but with the facts.
    case applied(RedisValue?, RecordFacts?)
    /// No change is made. With the first guard that failed (nil for one that the queue added), the number that it
    /// found, and the record's facts, nil without a record.
    case refused(JobGuard?, found: Int?, RecordFacts?)
}

/// Encodes commits as operations of the script `commit`.
struct CommitWriter {
    private let commit: RecordCommit
    private let settings: RecordSettings
    private var arguments: [[UInt8]] = []
    private var script = CommitScript()
    /// The fields that store the commit's name, until they are written along with others.
    private var memory: [any RedisArgument] = []

    init(_ commit: RecordCommit, _ settings: RecordSettings) {
        (self.commit, self.settings) = (commit, settings)
    }

    mutating func call(_ keys: [String]) -> RedisScriptCall {
        if !commit.name.isEmpty, commit.transition.state != nil {
            memory = ["commit", commit.name]
            if commit.answer == .end { memory += ["ended", commit.name] as [any RedisArgument] }
        }
        if !commit.name.isEmpty { script.read("commit") }
        if commit.answer == .end { script.read("ended") }
        let head = [commit.transition.id.text, settings.testTime, commit.name, commit.answer.rawValue]
        arguments = head.map(\.redisBytes)
        for one in commit.transition.guards { write(one) }
        if let report = commit.report { check("reported", .isnt, report) }
        if let sent = commit.sent { check("sent", .is, sent) }
        for change in commit.transition.changes { write(change) }
        addExtras()
        if !memory.isEmpty { add(.set) }
        return RedisScriptCall(script: script.composed, keys: keys, arguments: arguments)
    }

    private mutating func add(_ operation: CommitOperation, _ values: any RedisArgument...) { add(operation, values) }

    private mutating func add(_ operation: CommitOperation, _ values: [any RedisArgument]) {
        var remembered: [any RedisArgument] = []
        if operation == .set || operation == .post { swap(&remembered, &memory) }
        script.insert(operation)
        arguments.append(operation.bytes)
        arguments.append((values.count + remembered.count).redisBytes)
        for value in values { arguments.append(value.redisBytes) }
        for value in remembered { arguments.append(value.redisBytes) }
    }

    /// Adds a guard of a field.
    private mutating func check(_ field: String, _ operation: CommitOperation, _ values: any RedisArgument...) {
        script.read(field)
        add(operation, [field] + values)
    }

    private typealias Fields = KeyValuePairs<String, (any RedisArgument)?>

    /// Sets the fields that have a value, after other arguments of the operation.
    private mutating func set(_ all: Fields, by operation: CommitOperation = .set, _ first: any RedisArgument...) {
        add(operation, first + all.flatMap { name, value in value.map { [name, $0] } ?? [] })
    }

    // MARK: Guards

    private mutating func write(_ one: JobGuard) {
        switch one {
        case .isNew: check("state", .lacks)
        case .waitingJobs(let most): add(.fewer, most, "queued", "scheduled")
        case .inputBytes(let bytes, let most): add(.total, "totals", "bytes", bytes, most)
        case .unfinishedJobs(let owner, let most): add(.total, "owners", owner, 1, most)
        case .isFree(let key): add(.free, key.text)
        case .isTaken(let key): add(.taken, key.text)
        case .isCached(let key): add(.cached, key.text)
        case .isNotCached(let key): add(.uncached, key.text)
        case .state(let states):
            script.read("state")
            add(.is, ["state"] + states.map(\.rawValue))
        case .attempt(let fence): check("fence", .is, fence)
        case .isNotStopped: check("stopCode", .lacks)
        case .isFollowing: check("follows", .has)
        case .name(let name): check("name", .is, name)
        case .version(let version): check("version", .is, version)
        case .isGone(let worker): add(.gone, worker)
        case .isOver(.due): add(.over, "scheduled", 0)
        case .isOver(.interest) where commit.isRemote: add(.over, "wanted", 0)
        case .isOver(.interest(let wait)): add(.over, "queued", wait.wholeMilliseconds)
        case .isOver(.removal(let wait)): add(.over, "finished", wait.wholeMilliseconds)
        }
    }

    // MARK: Changes

    private mutating func write(_ change: JobChange) {
        switch change {
        case .create: addCreation()
        case .queue(let isFirst): addQueue(isFirst: isFirst)
        case .resend:
            add(.count, "resent")
            addMessage(isFirst: true)
        case .schedule(let wait):
            addWaiting(.scheduled)
            add(.time, "due", wait.wholeMilliseconds)
            add(.at, "scheduled", wait.wholeMilliseconds)
        case .beginAttempt(let fence): addBeginning(fence)
        case .countFailure: add(.count, "failures")
        case .countInterruption: add(.count, "interruptions")
        case .requestStop(let reason):
            add(.set, "state", JobState.cancelling.rawValue, "endReason", reason)
            add(.publish, "cancel")
        case .merge(let progress, let props):
            let entries = progress.map { $0.mergeArguments(sort: 0) } + props.map { $0.mergeArguments(sort: 1) }
            add(.merge, [settings.rules.limits.maximumChangesBytes] + entries.flatMap { $0 })
        case .stopAttempt(let failure):
            add(.drop, "changes", "places")
            add(.set, "stopCode", failure.code, "stopMessage", failure.message, "changesSize", 0)
        case .finish(let end): addEnd(end)
        case .cacheResult(let cache):
            add(.cache, cache.key.text, cache.recordedExpiry, settings.options.maximumCacheBytes)
        case .lead(let key): add(.lead, key.text)
        case .follow(let key):
            add(.set, "follows", key.text)
            if commit.start != nil { add(.at, "queued", 0) }
            add(.follow, key.text)
        case .unfollow: add(.clear, "follows")
        case .release(let key): add(.release, key.text)
        case .notify: add(.notify)
        case .remove:
            addRelease()
            add(.drop, "job", "changes", "places")
            add(.leave, "finished")
        }
    }

    private mutating func addCreation() {
        guard let (request, message) = commit.start else { return }
        let (retries, backoff) = (request.retries, request.retries.backoff)
        let fields: Fields = [
            "state": JobState.queued.rawValue, "sequence": 0, "attempt": 0, "owner": request.owner,
            "size": request.inputBytes, "remote": request.remote == nil ? 0 : 1, "name": request.name,
            "page": request.page, "version": request.version, "details": request.details, "retryLimit": retries.limit,
            "retryFirst": backoff.first.wholeMilliseconds, "retryFactor": "\(backoff.factor)",
            "retryLongest": backoff.longest.wholeMilliseconds, "cacheKey": request.cache?.key.text,
            "cacheExpire": request.cache?.recordedExpiry,
        ]
        let list = settings.keys.list(of: message.routingKey, priority: message.priority)
        if posts {
            set(fields, by: .post, list, KombuEnvelope.encode(message))
        } else {
            set(fields, "list", list, "message", KombuEnvelope.encode(message))
        }
        add(.add, "owners", request.owner, 1)
        add(.add, "totals", "bytes", request.inputBytes)
    }

    /// Moves a job out of an attempt.
    private mutating func addWaiting(_ state: JobState) {
        add(.leave, "queued", "running", "scheduled")
        add(.set, "state", state.rawValue)
        add(.clear, "due", "fence", "holder", "tag", "stopCode", "stopMessage")
    }

    private mutating func addQueue(isFirst: Bool) {
        if commit.isRemote {
            // The next check of Celery's result, and the time to wait for it.
            add(.soon, "remote", 5)
            add(.at, "wanted", settings.rules.limits.abandonQueuedAfter.wholeMilliseconds)
        } else {
            if commit.start == nil { addWaiting(.queued) }
            add(.at, "queued", 0)
        }
        if commit.sendsMessage, !posts { addMessage(isFirst: isFirst) }
    }

    /// Whether the operation that stores a new job also sends its message, which saves reading it back.
    private var posts: Bool { settings.isBroker && commit.start != nil && commit.transition.sendsMessage }

    private mutating func addMessage(isFirst: Bool) {
        add(.stamp, "sent")
        if settings.isBroker {
            add(.push, isFirst ? "RPUSH" : "LPUSH")
        } else {
            // The committing process sends it now, or else a sweep.
            add(.soon, "unsent", 5)
        }
    }

    private mutating func addBeginning(_ fence: String) {
        guard let holding = commit.beginning else {
            add(.set, "state", JobState.running.rawValue, "attempt", 1)
            return
        }
        add(.lease, holding.worker, "\(settings.options.lease / .seconds(1))")
        add(.drop, "changes", "places")
        add(.leave, "queued", "unsent")
        add(.soon, "running", 0)
        add(.clear, "due", "stopCode", "stopMessage", "resent")
        set([
            "state": JobState.running.rawValue, "fence": fence, "holder": holding.worker, "tag": holding.tag,
            "changesSize": 0,
        ])
        add(.count, "attempt")
    }

    private mutating func addEnd(_ end: JobEnd) {
        addRelease()
        let failure = end.failure
        let result: [UInt8]? = if case .value(let result) = end.result { result.bytes } else { nil }
        set([
            "state": end.state.rawValue, "endReason": end.reason, "failureKind": failure?.kind.rawValue,
            "failureCode": failure?.code, "failureMessage": failure?.message,
            "failureTrace": failure?.trace.flatMap { $0.isEmpty ? nil : $0 }, "result": result,
        ])
        switch end.result {
        case .none, .value: break
        case .cached(let key):
            add(.copy, "cache:" + key.text)
            add(.use, key.text)
        case .of(let leader): add(.copy, "job:" + leader.text)
        }
        add(.time, "finished", 0)
        add(.at, "finished", 0)
        add(.clear, "message", "fence", "holder", "tag", "due", "stopCode", "stopMessage", "follows")
        add(.drop, "places")
        add(.keep, settings.collection, "job", "changes")
    }

    /// Subtracts an unfinished job from the limits and removes it from the sets.
    private mutating func addRelease() {
        guard let share = commit.share else { return }
        add(.add, "owners", share.owner, -1)
        add(.add, "totals", "bytes", -share.bytes)
        add(.leave, "queued", "scheduled", "running", "remote", "wanted", "unsent")
    }

    private mutating func addExtras() {
        let id = commit.transition.id
        if let report = commit.report {
            add(.set, "reported", report)
            if commit.transition.end == nil { add(.extend, "wanted", settings.options.remoteSilence.wholeMilliseconds) }
        }
        if let leader = commit.landedFrom { add(.landed, leader.text) }
        if let meta = commit.meta {
            let seconds = settings.options.resultExpiry.wholeMilliseconds / 1000
            add(.publishMeta, settings.metaPrefix + id.text, seconds, meta)
        }
        if settings.isBroker, let settling = commit.settling {
            let keys = settings.keys
            add(.settle, keys.unacked, keys.unackedIndex, keys.holders, settling.tag, settling.worker)
        }
    }
}

extension CacheStore {
    /// How long an unused result is kept, in milliseconds; empty for as long as there is room.
    fileprivate var recordedExpiry: String { expire.map { "\($0.wholeMilliseconds)" } ?? "" }
}

extension PropertyValue {
    /// The arguments of the operation `merge`: place, whether it is a Patch, size in bytes, text.
    fileprivate func mergeArguments(sort: Int) -> [any RedisArgument] {
        var text = JSONWriter(capacity: value.bytes.count + id.utf8.count + property.utf8.count + 16)
        text.int(sort)
        encode(to: &text)
        let size = value.bytes.count + id.utf8.count + property.utf8.count + 96
        return ["\(sort)\0\(id)\0\(property)", isPatch ? 1 : 0, size, text.bytes]
    }
}

/// The fields of a record that decide transitions and the handling of its message.
struct RecordFacts: Sendable {
    /// The input of the rules.
    var job: JobFacts
    /// The id of the worker that holds the job.
    var holder: String?
    /// The delivery tag of the current attempt's message.
    var tag: String?
    var owner = ""
    /// The size of the input.
    var bytes = 0
    /// The list of its message.
    var list: String?
    /// When the message was last sent, in seconds by Redis' clock, as stored.
    var sent: String?
    /// How often the message was sent again.
    var resent = 0

    /// The fields of a reply, in order.
    static let fields = [
        "state", "name", "version", "attempt", "fence", "failures", "interruptions", "retryLimit", "retryFirst",
        "retryFactor", "retryLongest", "cacheKey", "cacheExpire", "follows", "remote", "stopCode", "stopMessage",
        "holder", "tag", "owner", "size", "list", "sent", "resent",
    ]

    /// The fields that guards and changes of a `CommitScript` read.
    static let guardFields = [
        "state", "fence", "stopCode", "follows", "name", "version", "reported", "sent", "sequence", "changesSize",
        "delivery", "commit", "ended",
    ]

    /// A job that waits for a worker, as far as known from its request.
    init(waiting request: JobRequest) { job = JobFacts(request) }

    /// Reads a reply; nil without a record.
    init?(_ id: JobID, _ answer: RedisValue) {
        guard let values = answer.elements, values.count == Self.fields.count,
            let state = values[0].text.flatMap(JobState.init(rawValue:))
        else { return nil }
        var request = JobRequest(id: id, name: values[1].text ?? "", version: values[2].text ?? "")
        request.retries = RetryPolicy(recorded: Array(values[7...10]))
        request.cache = values[11].text.map { key in
            CacheStore(key: CacheKey(key), expire: values[12].number.map { .milliseconds($0) })
        }
        job = JobFacts(request)
        job.state = state
        job.attempt = values[3].number ?? 0
        job.fence = values[4].text
        job.failures = values[5].number ?? 0
        job.interruptions = values[6].number ?? 0
        job.isFollowing = values[13] != .null
        job.isRemote = values[14].text == "1"
        job.stop = values[15].text.map { JobFailure(kind: .tooLarge, code: $0, message: values[16].text ?? "") }
        holder = values[17].text
        tag = values[18].text
        owner = values[19].text ?? ""
        bytes = values[20].number ?? 0
        list = values[21].text
        sent = values[22].text
        resent = values[23].number ?? 0
    }
}

extension RetryPolicy {
    /// Reads the limit and the first wait, factor and longest wait of the backoff.
    init(recorded values: [RedisValue]) {
        let (first, longest) = (values[1].number ?? 0, values[3].number ?? 0)
        let factor = values[2].text.flatMap { Double($0) } ?? 1
        let backoff = RetryPolicy.Backoff.exponential(
            first: .milliseconds(first),
            factor: factor,
            longest: .milliseconds(longest)
        )
        self = .upTo(values[0].number ?? 0, backoff: backoff)
    }
}
