import DashJSON

extension JobEngine {
    /// The executor reports that an attempt ended. A report about an attempt that is not the present one is ignored.
    mutating func attemptEnded(_ id: JobID, attempt: Int, _ outcome: WorkerOutcome, at now: JobTime) -> JobActions {
        var actions = JobActions()
        guard let entry = jobs[id], entry.isUnderWay, entry.status.attempt == attempt else { return actions }
        apply(rules.complete(entry.facts, outcome, isStopping: !isDispatching), at: now, into: &actions)
        dispatch(at: now, into: &actions)
        return actions
    }

    /// The end is written: now everybody is told.
    mutating func ended(_ id: JobID, at now: JobTime, into actions: inout JobActions) {
        guard var entry = jobs[id], let ending = entry.ending else { return }
        entry.status = ending
        entry.ending = nil
        entry.isExecuting = false
        release(entry)
        entry.request.payload = []
        entry.sharedEnd = nil
        actions.woken.formUnion(entry.takeWaiters())
        jobs[id] = entry
        land(id, SharedEnd(ending, of: id), at: now, into: &actions)
        finished.append(id, bytes: entry.bytes)
        evictFinished()
        planPruning(at: now.monotonic + configuration.keepFinished)
        // A new result may be one too many for the cache.
        if ending.result != nil, entry.request.cache != nil { planPruning(at: now.monotonic + Self.pruningInterval) }
    }

    /// The end could not be written: the job fails for everybody, and that is written when writing works again.
    mutating func endFailed(_ id: JobID, _ error: any Error, at now: JobTime, into actions: inout JobActions) {
        guard let ending = jobs[id]?.ending else { return }
        if ending.state == .succeeded {
            jobs[id]?.ending?.state = .failed
            jobs[id]?.ending?.result = nil
            jobs[id]?.ending?.failure = JobSentences.resultIsNotStored(error)
        }
        jobs[id]?.ending?.revision += 1
        ended(id, at: now, into: &actions)
        flushFailed(id, at: now)
    }

    /// Lets the oldest finished jobs go from memory; the store has them. The newest stays, however large it is: somebody
    /// is just about to be told of it.
    mutating func evictFinished() {
        while finished.count > configuration.maximumFinishedInMemory
            || finished.bytes > configuration.maximumFinishedBytesInMemory
        {
            guard finished.count > 1, let oldest = finished.oldest, !dirty.contains(oldest) else { return }
            finished.removeOldest()
            jobs[oldest] = nil
        }
    }
}

extension JobFailure {
    /// The failure of an attempt, as its job's.
    package init(_ failure: WorkerFailure) {
        let kind: Kind =
            switch failure.kind {
            case .error: .error
            case .crash: .crash
            case .startup: .startup
            case .incompatible: .incompatible
            case .tooLarge: .tooLarge
            case .timedOut: .timedOut
            }
        self.init(kind: kind, code: failure.code, message: failure.message, trace: failure.trace)
    }

    /// Whether another attempt may go better.
    package var allowsRetry: Bool {
        kind == .error || kind == .crash || kind == .lost || kind == .startup
    }
}
