extension JobEngine {
    /// What the engine can say of a job.
    enum Answer: Sendable {
        case news(JobNews)
        /// The one who asked is kept as a waiter and will be woken.
        case waiting
        /// The job is not told of: not inserted yet, or its time is up.
        case nothing
        /// Only the store can know.
        case notInMemory
    }

    /// The present news of a job.
    mutating func news(of id: JobID, after sequence: Int, at now: JobTime) -> Answer {
        guard let entry = jobs[id] else { return .notInMemory }
        guard entry.isInserted, !isOutOfTime(entry.status, at: now) else { return .nothing }
        jobs[id]?.lastAsked = now.monotonic
        return .news(entry.news(after: sequence))
    }

    /// The news of a job if there are any after a sequence, or it is finished; else the waiter is kept.
    mutating func nextNews(of id: JobID, after sequence: Int, waiter: Int, at now: JobTime) -> Answer {
        guard case .news(let news) = news(of: id, after: sequence, at: now) else {
            return jobs[id] == nil ? .notInMemory : .nothing
        }
        if news.sequence > sequence || news.state.isFinished { return .news(news) }
        jobs[id]?.waiters.insert(waiter)
        return .waiting
    }

    /// A waiter is gone. Until now it was asking.
    mutating func waiterLeft(_ waiter: Int, of id: JobID, at now: JobTime) {
        jobs[id]?.waiters.remove(waiter)
        jobs[id]?.lastAsked = now.monotonic
    }

    /// The news of a job, after taking it back from the store if it came from there. In one step, as the next one to be
    /// taken back may put it out of memory again.
    mutating func news(of id: JobID, fetched: StoredJob?, after sequence: Int, at now: JobTime) -> Answer {
        if let fetched { adopt(fetched, at: now) }
        return news(of: id, after: sequence, at: now)
    }

    /// Takes a finished job back into memory from the store, where it stays at least until the next one is taken back.
    mutating func adopt(_ job: StoredJob, at now: JobTime) {
        let id = job.request.id
        guard jobs[id] == nil, job.status.state.isFinished, !isOutOfTime(job.status, at: now) else { return }
        let entry = JobEntry(request: job.request, status: job.status, changes: job.changes, lastAsked: now.monotonic)
        jobs[id] = entry
        finished.append(id, bytes: entry.bytes)
        evictFinished()
        planPruning(at: now.monotonic + configuration.keepFinished)
    }

    func isOutOfTime(_ status: JobStatus, at now: JobTime) -> Bool {
        guard let end = status.finished else { return false }
        return end + configuration.keepFinished <= now.wall
    }
}
