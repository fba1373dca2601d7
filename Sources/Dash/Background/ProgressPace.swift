import Jobs

/// Keeps a callback's `interval:` between two deliveries of progress of one job, whichever servers give them.
struct ProgressPace: Sendable {
    let fleet: any JobFleet

    /// Notes that progress was delivered just now.
    ///
    /// - Throws: `JobsError.storage`.
    func delivered(_ job: JobID, interval: Duration?) async throws {
        guard let interval, interval > .zero else { return }
        try await fleet.pause("progress:\(job)", for: interval)
    }

    /// Whether news may wait: only progress of a job that goes on.
    static func mayWait(_ news: JobNews) -> Bool {
        guard case .updates(let progress, let props) = PollDecision(news) else { return false }
        return !news.state.isFinished && props.isEmpty && !progress.isEmpty
    }

    /// How long to keep these news back; nil when they may go now.
    ///
    /// - Throws: `JobsError.storage`.
    func wait(before news: JobNews, interval: Duration?) async throws -> Duration? {
        guard let interval, interval > .zero, Self.mayWait(news) else { return nil }
        return try await fleet.rest(ofPause: "progress:\(news.id)")
    }
}
