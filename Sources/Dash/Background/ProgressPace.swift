import Jobs
import Synchronization

/// Keeps a callback's `interval:` between two deliveries of progress of one job.
final class ProgressPace: Sendable {
    private static let capacity = 100_000
    private let last = Mutex<[JobID: ContinuousClock.Instant]>([:])

    /// Notes that progress was delivered just now.
    func delivered(_ job: JobID, interval: Duration?) {
        guard let interval, interval > .zero else { return }
        last.withLock { last in
            // Jobs of pages that were closed are never forgotten by a last poll.
            if last.count >= Self.capacity, let job = last.keys.first { last[job] = nil }
            last[job] = .now
        }
    }

    /// Whether news may wait: only progress of a job that goes on.
    static func mayWait(_ news: JobNews) -> Bool {
        guard case .updates(let progress, let props) = PollDecision(news) else { return false }
        return !news.state.isFinished && props.isEmpty && !progress.isEmpty
    }

    /// How long to keep these news back; nil when they may go now.
    func wait(before news: JobNews, interval: Duration?) -> Duration? {
        guard let interval, interval > .zero, Self.mayWait(news), let delivered = last.withLock({ $0[news.id] }) else {
            return nil
        }
        let rest = interval - (.now - delivered)
        return rest > .zero ? rest : nil
    }

    /// Forgets a job that has ended.
    func forget(_ job: JobID) {
        last.withLock { $0[job] = nil }
    }
}
