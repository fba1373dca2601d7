import DashJSON
import Jobs

/// The response to a poll, decided from the job's update alone.
enum PollDecision: Sendable {
    /// There is nothing to deliver yet.
    case wait
    /// The job continues, or its result follows with the next response.
    case updates(progress: [PropertyValue], props: [PropertyValue])
    /// The job succeeded; the properties set since the last response come with the result.
    case result(RawJSON, props: [PropertyValue])
    /// The job was cancelled or replaced: status 204 ends the page's loop.
    case ended
    /// The job completed without a result.
    case failed(JobFailure)

    /// Progress is delivered before the result, so that the page shows the last value too; and everything a job sent is
    /// delivered before its failure.
    init(_ news: JobUpdate) {
        let isDelivered = news.progress.isEmpty && news.props.isEmpty
        switch news.state {
        case .cancelling, .cancelled:
            self = .ended
        case .succeeded where news.progress.isEmpty:
            self = .result(news.result ?? RawJSON(JSON.null), props: news.props)
        case .failed where isDelivered, .lost where isDelivered, .timedOut where isDelivered:
            self = .failed(news.failure ?? Self.unexplained(news.state))
        case .scheduled, .queued, .running, .succeeded, .failed, .lost, .timedOut:
            self = isDelivered ? .wait : .updates(progress: news.progress, props: news.props)
        }
    }

    private static func unexplained(_ state: JobState) -> JobFailure {
        let kind: JobFailure.Kind = state == .lost ? .lost : state == .timedOut ? .timedOut : .error
        return JobFailure(kind: kind, code: state.rawValue, message: "The job ended as \(state.rawValue).")
    }
}

/// The change after which a poll is answered.
struct PollCursor: Sendable, Equatable {
    /// Changes up to this one have reached the page.
    let known: Int
    /// The number under which the response is recorded.
    let number: Int
    /// Whether the page repeats a poll whose response did not arrive.
    let isRetry: Bool

    /// Creates the cursor of a poll.
    ///
    /// - Parameters:
    ///   - delivery: The last delivery to the page.
    ///   - number: The poll's number. A new number acknowledges the last delivery, the same number repeats it. Without
    ///     numbers every poll acknowledges.
    init(_ delivery: Delivery?, number: Int?) {
        let last = delivery ?? Delivery(poll: 0, from: 0, through: 0)
        self.number = number ?? last.poll + 1
        isRetry = delivery != nil && number == last.poll
        known = isRetry ? last.from : last.through
    }

    /// The delivery of a response with the changes up to `sequence`.
    func delivery(through sequence: Int) -> Delivery {
        Delivery(poll: number, from: known, through: sequence)
    }
}
