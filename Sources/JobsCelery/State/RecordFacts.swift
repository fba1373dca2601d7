import Jobs

/// What a record says of its job to the rules, and to those who send and acknowledge its message.
struct RecordFacts: Sendable {
    /// What the rules read.
    var job: JobFacts
    /// The worker that has the job, by its id.
    var holder: String?
    /// The delivery tag of the message that the present attempt came with.
    var tag: String?
    /// Whose job it is, and what its input takes in bytes: what an end frees.
    var owner = ""
    var bytes = 0
    /// The list of its message, when that was last sent in seconds by Redis' clock as the record has it, and how often again.
    var list: String?
    var sent: String?
    var resent = 0

    /// The fields of an answer, in their order.
    static let fields = [
        "state", "name", "version", "attempt", "fence", "failures", "interruptions", "retryLimit", "retryFirst",
        "retryFactor", "retryLongest", "cacheKey", "cacheExpire", "follows", "remote", "stopCode", "stopMessage",
        "holder", "tag", "owner", "size", "list", "sent", "resent",
    ]

    /// The fields that the guards and changes of a `CommitScript` read.
    static let guardFields = [
        "state", "fence", "stopCode", "follows", "name", "version", "reported", "sent", "sequence", "changesSize",
        "delivery", "commit", "ended",
    ]

    /// Reads an answer; nil where there is no such record.
    init?(_ id: JobID, _ answer: RedisValue) {
        guard let values = answer.elements, values.count == Self.fields.count,
            let state = values[0].text.flatMap(JobState.init(rawValue:))
        else { return nil }
        var request = JobRequest(id: id, name: values[1].text ?? "", version: values[2].text ?? "")
        request.retries = RetryPolicy(recorded: values[7...10])
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
        job.stop = values[15].text.map {
            JobFailure(kind: .tooLarge, code: $0, message: values[16].text ?? "")
        }
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
    /// Reads the limit, the first and the factor of the wait, and the longest.
    init(recorded values: ArraySlice<RedisValue>) {
        let values = Array(values)
        self = .upTo(
            values[0].number ?? 0,
            backoff: .exponential(
                first: .milliseconds(values[1].number ?? 0),
                factor: values[2].text.flatMap { Double($0) } ?? 1,
                longest: .milliseconds(values[3].number ?? 0)
            )
        )
    }

    /// The fields that `init(recorded:)` reads.
    var recorded: [any RedisArgument] {
        [
            "retryLimit", limit, "retryFirst", backoff.first.wholeMilliseconds, "retryFactor", "\(backoff.factor)",
            "retryLongest", backoff.longest.wholeMilliseconds,
        ]
    }
}
