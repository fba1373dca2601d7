public import DashJSON

/// What a page is told of its job: where it stands, and what is new since it last asked.
public struct JobUpdate: Sendable {
    /// The job.
    public var id: JobID
    /// The name it was started with.
    public var name: String
    /// Whose job it is. Check it before telling anybody.
    public var owner: String
    /// The page load that started it.
    public var page: String
    /// The version it was started with.
    public var version: String
    /// Where it stands.
    public var state: JobState
    /// The number of the present or last attempt: 0 before the first.
    public var attempt: Int
    /// Why it ended, or will end, where somebody decided so: for example who cancelled it, or `abandoned`.
    public var endReason: String?
    /// Why it ended without a result.
    public var failure: JobFailure?
    /// The number of the newest change. Ask for news after it to get what comes next.
    public var sequence: Int
    /// The progress values that changed after the sequence asked for, oldest change first.
    public var progress: [PropertyValue]
    /// The property values that changed after the sequence asked for, oldest change first. A property occurs more than
    /// once when patches follow a value.
    public var props: [PropertyValue]
    /// The result of a job that succeeded.
    public var result: RawJSON?
    /// What the starter asked to keep.
    public var details: [UInt8]
    /// The answer that was last given to the page.
    public var delivery: Delivery?

    /// Makes news; for managers and tests.
    public init(
        id: JobID,
        name: String,
        owner: String,
        page: String,
        version: String,
        state: JobState,
        attempt: Int = 0,
        endReason: String? = nil,
        failure: JobFailure? = nil,
        sequence: Int = 0,
        progress: [PropertyValue] = [],
        props: [PropertyValue] = [],
        result: RawJSON? = nil,
        details: [UInt8] = [],
        delivery: Delivery? = nil
    ) {
        self.id = id
        self.name = name
        self.owner = owner
        self.page = page
        self.version = version
        self.state = state
        self.attempt = attempt
        self.endReason = endReason
        self.failure = failure
        self.sequence = sequence
        self.progress = progress
        self.props = props
        self.result = result
        self.details = details
        self.delivery = delivery
    }
}

/// The last answer that a page was given: it held the changes after `from` up to and with `through`.
///
/// The page's next poll tells that the answer arrived; the same poll again tells that it did not, and gets it again.
public struct Delivery: Sendable, Hashable {
    /// The number of the poll that was answered.
    public var poll: Int
    /// The newest change that the page had before.
    public var from: Int
    /// The newest change that the answer held.
    public var through: Int

    /// Makes a delivery.
    public init(poll: Int, from: Int, through: Int) {
        self.poll = poll
        self.from = from
        self.through = through
    }
}

/// Where a job stands. A job has exactly one state at a time and never leaves a finished one.
public enum JobState: String, Sendable, Hashable, CaseIterable {
    /// Waits for a time, for example the next attempt after a failure.
    case scheduled
    /// Waits for a free worker.
    case queued
    /// A worker has it.
    case running
    /// A running job was asked to stop and has not ended yet. Its result will not be used.
    case cancelling
    /// Ended with a result.
    case succeeded
    /// Ended with an error, a crash, or without having been run.
    case failed
    /// Ended because somebody asked for it, or because nobody asked for it any more.
    case cancelled
    /// Ended because its time limit passed.
    case timedOut
    /// Was running when its server or worker vanished, so that nobody knows how far it came.
    case lost

    /// Whether the job has ended: its news will not change any more.
    public var isFinished: Bool {
        switch self {
        case .scheduled, .queued, .running, .cancelling: false
        case .succeeded, .failed, .cancelled, .timedOut, .lost: true
        }
    }
}
