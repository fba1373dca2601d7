import DashJSON

extension JobEngine {
    /// The executor's word that an attempt ended. The word about an attempt that is not the present one is not heard.
    mutating func attemptEnded(_ id: JobID, attempt: Int, _ outcome: WorkerOutcome, at now: JobTime) -> JobActions {
        var actions = JobActions()
        guard let entry = jobs[id], entry.isUnderWay, entry.status.attempt == attempt else { return actions }
        if entry.status.state == .cancelling {
            end(id, as: .cancelled, at: now, into: &actions)
        } else if let failure = entry.stopFailure {
            end(id, as: .failed, failure: failure, at: now, into: &actions)
        } else {
            apply(outcome, to: id, at: now, into: &actions)
        }
        dispatch(at: now, into: &actions)
        return actions
    }

    private mutating func apply(
        _ outcome: WorkerOutcome,
        to id: JobID,
        at now: JobTime,
        into actions: inout JobActions
    ) {
        switch outcome {
        case .succeeded(let bytes):
            succeeded(id, bytes, at: now, into: &actions)
        case .failed(let failure):
            attemptFailed(id, JobFailure(failure), at: now, into: &actions)
        case .cancelled where !isDispatching:
            // Nobody cancelled the job: its task was cancelled because everything stops.
            wait(id, for: .zero, at: now)
        case .cancelled:
            end(id, as: .cancelled, at: now, into: &actions)
        case .shutDown:
            wait(id, for: .zero, at: now)
        }
    }

    /// A result that is too large is a failure, and none that another attempt would mend.
    private mutating func succeeded(_ id: JobID, _ result: [UInt8], at now: JobTime, into actions: inout JobActions) {
        let limit = configuration.maximumResultBytes
        guard result.count > limit else {
            end(id, as: .succeeded, result: RawJSON(unchecked: result), at: now, into: &actions)
            return
        }
        let message = "The job's result has \(result.count) bytes, more than the \(limit) allowed."
        let failure = JobFailure(kind: .tooLarge, code: "result", message: message)
        end(id, as: .failed, failure: failure, at: now, into: &actions)
    }

    /// Another attempt if the job asked for one, else the end.
    mutating func attemptFailed(_ id: JobID, _ failure: JobFailure, at now: JobTime, into actions: inout JobActions) {
        jobs[id]?.status.failures += 1
        guard let entry = jobs[id], failure.allowsRetry, entry.status.failures <= entry.request.retries.limit else {
            end(id, as: failure.kind == .lost ? .lost : .failed, failure: failure, at: now, into: &actions)
            return
        }
        jobs[id]?.status.sequence += 1
        wait(id, for: entry.request.retries.wait(afterFailures: entry.status.failures), at: now)
        actions.woken.formUnion(jobs[id]?.takeWaiters() ?? [])
        dirty.remove(id)
        appendUpdate(of: id, withChanges: false, to: &actions)
        actions.steps.append(.flushed(id))
    }

    /// Prepares an end of a job that is not finished. It is told when it is written; see ``ended(_:at:into:)``.
    mutating func end(
        _ id: JobID,
        as state: JobState,
        reason: String? = nil,
        failure: JobFailure? = nil,
        result: RawJSON? = nil,
        at now: JobTime,
        into actions: inout JobActions
    ) {
        guard var entry = jobs[id], entry.ending == nil, !entry.status.state.isFinished else { return }
        count(entry, by: -1)
        var ending = entry.status
        ending.state = state
        ending.endReason = reason ?? ending.endReason
        ending.failure = failure
        ending.result = result
        ending.finished = now.wall
        ending.due = nil
        ending.sequence += 1
        ending.revision += 1
        entry.ending = ending
        jobs[id] = entry
        dirty.remove(id)
        actions.changes.append(.update(id, ending, entry.changes))
        if let result, let cache = entry.request.cache, entry.sharedEnd == nil {
            actions.changes.append(.cache(cache, result, now.wall))
        }
        actions.steps.append(.ended(id))
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
        land(id, SharedEnd(ending), at: now, into: &actions)
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
            let message = "The job ended well, but its result could not be stored: \(error)"
            jobs[id]?.ending?.state = .failed
            jobs[id]?.ending?.result = nil
            jobs[id]?.ending?.failure = JobFailure(kind: .storage, code: "storage", message: message)
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
