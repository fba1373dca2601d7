import DashJSON
import Jobs
import Logging
import Synchronization

extension RecordedJobs {
    /// Takes in what an attempt sent. What Redis cannot take now is kept, and said before what comes next.
    func update(_ attempt: JobAttempt, progress: [PropertyValue], props: [PropertyValue]) async throws -> JobStanding {
        let changes = progress.map { $0.changeArguments(sort: 0) } + props.map { $0.changeArguments(sort: 1) }
        attempts.withLock { attempts in
            // Not so many at once that others wait for long.
            for start in stride(from: 0, to: changes.count, by: 500) {
                attempts[attempt]?.add(changes[start..<min(start + 500, changes.count)].flatMap { $0 })
            }
        }
        do {
            return try await sendPending(of: attempt)
        } catch let error as CeleryError where error.code == .unreachable || error.code == .connectionLost {
            logger.warning(
                "What a job sent is kept until Redis is reached.",
                metadata: ["job": "\(attempt.id)", "error": "\(error)"]
            )
            return .current
        }
    }

    /// Says the batches that are not known to be in the record.
    @discardableResult
    func sendPending(of attempt: JobAttempt) async throws -> JobStanding {
        while let batch = attempts.withLock({ $0[attempt]?.pending.first }) {
            let standing = try await send(batch, of: attempt)
            attempts.withLock { attempts in
                switch standing {
                case .current: attempts[attempt]?.pending.removeAll { $0.number == batch.number }
                case .cancelled, .tooLarge: attempts[attempt]?.pending = []
                case .superseded: attempts[attempt] = nil
                }
            }
            if standing != .current { return standing }
        }
        return .current
    }

    private func send(_ batch: AttemptNotes.Batch, of attempt: JobAttempt) async throws -> JobStanding {
        let answer = try await records.call(
            JobScripts.update,
            [
                ("id", attempt.id.text), ("fence", attempt.fence), ("batch", batch.number),
                ("maximumChanges", records.settings.rules.maximumChangesBytes),
            ],
            rest: batch.changes
        )
        switch answer.text {
        case "current": return .current
        case "cancelled": return .cancelled
        case "tooLarge": return .tooLarge
        default: return .superseded
        }
    }
}
