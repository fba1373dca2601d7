import Jobs
import Synchronization

/// Keeps a callback's `interval:` between two deliveries of progress of one job.
final class ProgressPace: Sendable {
    private let last = Mutex<[JobID: ContinuousClock.Instant]>([:])

    /// Notes that progress was delivered just now.
    func delivered(_ job: JobID, interval: Duration?) {
        guard let interval, interval > .zero else { return }
        last.withLock { $0[job] = .now }
    }

    /// How long to keep these news back; nil when they may go now, as anything but progress of a live job may.
    func wait(before news: JobNews, interval: Duration?) -> Duration? {
        guard let interval, interval > .zero, !news.state.isFinished, news.props.isEmpty, !news.progress.isEmpty,
            let delivered = last.withLock({ $0[news.id] })
        else { return nil }
        let rest = interval - (.now - delivered)
        return rest > .zero ? rest : nil
    }

    /// Forgets a job that has ended.
    func forget(_ job: JobID) {
        last.withLock { $0[job] = nil }
    }
}
