import DashJSON
import Jobs

/// What to answer a poll with, decided from the job's news alone.
enum PollDecision: Sendable {
    /// There is nothing to tell yet.
    case wait
    /// The job goes on, or its result follows with the next answer.
    case updates(progress: [PropertyValue], props: [PropertyValue])
    /// The job succeeded; the properties set since the last answer come with the result.
    case result(RawJSON, props: [PropertyValue])
    /// The job was cancelled or replaced: 204 ends the page's loop.
    case ended
    /// The job ended without a result.
    case failed(JobFailure)

    /// Decides. New progress never comes with the result, so that the page shows the last value too; and what a job sent
    /// before it failed is told before the failure.
    init(_ news: JobUpdate) {
        switch news.state {
        case .cancelling, .cancelled:
            self = .ended
        case .succeeded where news.progress.isEmpty:
            self = .result(news.result ?? RawJSON(JSON.null), props: news.props)
        case .failed where news.isDelivered, .lost where news.isDelivered, .timedOut where news.isDelivered:
            self = .failed(news.failure ?? Self.unexplained(news.state))
        case .scheduled, .queued, .running, .succeeded, .failed, .lost, .timedOut:
            self = news.isDelivered ? .wait : .updates(progress: news.progress, props: news.props)
        }
    }

    private static func unexplained(_ state: JobState) -> JobFailure {
        let kind: JobFailure.Kind = state == .lost ? .lost : state == .timedOut ? .timedOut : .error
        return JobFailure(kind: kind, code: state.rawValue, message: "The job ended as \(state.rawValue).")
    }
}

extension JobUpdate {
    /// Whether everything the job has sent has reached the page.
    fileprivate var isDelivered: Bool { progress.isEmpty && props.isEmpty }
}

/// From which change on a poll is answered.
struct PollCursor: Sendable, Equatable {
    /// Changes up to this one have reached the page.
    let known: Int
    /// The number under which the answer is remembered.
    let number: Int
    /// Whether the page asks again for an answer that did not arrive.
    let isRetry: Bool

    /// - Parameters:
    ///   - delivery: what the page was last given.
    ///   - number: the poll's number; a new one acknowledges that answer, the same one says that it did not arrive.
    ///     Without numbers every poll acknowledges.
    init(_ delivery: Delivery?, number: Int?) {
        let last = delivery ?? Delivery(poll: 0, from: 0, through: 0)
        self.number = number ?? last.poll + 1
        isRetry = delivery != nil && number == last.poll
        known = isRetry ? last.from : last.through
    }

    /// The delivery of an answer with the changes up to `sequence`.
    func delivery(through sequence: Int) -> Delivery {
        Delivery(poll: number, from: known, through: sequence)
    }
}
