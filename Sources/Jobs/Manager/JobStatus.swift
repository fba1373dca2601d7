public import DashJSON

/// How a job stands, as stores keep it.
public struct JobStatus: Sendable {
    /// Counts the versions of this status; a store never replaces a higher by a lower.
    public var revision = 1
    /// Where the job stands.
    public var state: JobState
    /// The number of the present or last attempt. Whatever another attempt says is refused.
    public var attempt = 0
    /// How many attempts failed by the job's own fault.
    public var failures = 0
    /// How often the job was started again because the server came down.
    public var interruptions = 0
    /// When it was started by a page.
    public var created: WallTime
    /// When its present or last attempt began.
    public var started: WallTime?
    /// When it ended.
    public var finished: WallTime?
    /// Before this time no further attempt begins.
    public var due: WallTime?
    /// Why it ended, where somebody decided so.
    public var endReason: String?
    /// Why it ended without a result.
    public var failure: JobFailure?
    /// The number of the newest change.
    public var sequence = 0
    /// The result of a job that succeeded.
    public var result: RawJSON?
    /// The answer that was last given to the page.
    public var delivery: Delivery?

    /// The status of a job that was just created.
    public init(state: JobState, created: WallTime) {
        self.state = state
        self.created = created
    }
}
