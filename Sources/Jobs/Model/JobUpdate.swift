public import DashJSON

/// The state of a job and its changes since a sequence.
public struct JobUpdate: Sendable {
    /// The job.
    public var id: JobID
    /// The name of the job's code.
    public var name: String
    /// The job's owner. Check it before forwarding the update.
    public var owner: String
    /// The page load that started the job.
    public var page: String
    /// The job's version.
    public var version: String
    /// The job's state.
    public var state: JobState
    /// The number of the current or last attempt; 0 before the first.
    public var attempt = 0
    /// Who or what ended the job, for example the user who cancelled it, or `abandoned`; nil otherwise.
    public var endReason: String?
    /// The failure of a job without a result.
    public var failure: JobFailure?
    /// The number of the newest change. Pass it to get the changes that follow.
    public var sequence = 0
    /// The progress values that changed after the requested sequence, oldest change first.
    public var progress: [PropertyValue] = []
    /// The property values that changed after the requested sequence, oldest change first. A property occurs several
    /// times if patches follow its value.
    public var props: [PropertyValue] = []
    /// The result of a successful job.
    public var result: RawJSON?
    /// The request's details.
    public var details: [UInt8] = []
    /// The last delivery to the page.
    public var delivery: Delivery?
    /// Whether another program's worker runs the job.
    package var isRemote = false

    /// Creates an update; for managers and tests.
    public init(id: JobID, name: String, owner: String, page: String, version: String, state: JobState) {
        self.id = id
        self.name = name
        self.owner = owner
        self.page = page
        self.version = version
        self.state = state
    }
}

/// The last response to a page: it contained the changes after `from`, up to and including `through`.
///
/// The page's next poll acknowledges it. If the same poll is repeated, the response was lost and is sent again.
public struct Delivery: Sendable, Hashable {
    /// The number of the poll.
    public var poll: Int
    /// The newest change the page knew before.
    public var from: Int
    /// The newest change in the response.
    public var through: Int

    /// Creates a delivery.
    public init(poll: Int, from: Int, through: Int) {
        self.poll = poll
        self.from = from
        self.through = through
    }
}

/// The state of a job. A finished state is final.
public enum JobState: String, Sendable, Hashable, CaseIterable {
    /// Waits for a time, for example for a retry.
    case scheduled
    /// Waits for a free worker.
    case queued
    /// Held by a worker.
    case running
    /// Running, but asked to stop. Its result will be discarded.
    case cancelling
    /// Ended with a result.
    case succeeded
    /// Ended with an error or a crash, or without having run.
    case failed
    /// Cancelled on request, or abandoned because no page polled it.
    case cancelled
    /// Exceeded its time limit.
    case timedOut
    /// Its server or worker disappeared while it was running, so its progress is unknown.
    case lost

    /// Whether the state is final.
    public var isFinished: Bool {
        switch self {
        case .scheduled, .queued, .running, .cancelling: false
        case .succeeded, .failed, .cancelled, .timedOut, .lost: true
        }
    }
}
