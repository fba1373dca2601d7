/// Every sentence about the life of a job that a person may read, once.
package enum JobSentences {
    /// The reason of a job that was cancelled because no page asked for it.
    package static let abandoned = "abandoned"

    // MARK: Refused starts

    /// An input that no queue takes.
    package static func inputIsTooLarge(_ bytes: Int) -> JobsError {
        JobsError(.tooLarge, "The job's input has \(bytes) bytes, more than is allowed.")
    }

    /// Why a start was refused.
    ///
    /// - Parameters:
    ///   - failed: The guard that did not hold.
    ///   - found: The count or the bytes that it found.
    /// - Returns: The error; nil if the guard is not a limit on starts.
    package static func refusal(_ failed: JobGuard, found: Int) -> JobsError? {
        switch failed {
        case .waitingJobs:
            JobsError(.busy, "\(found) jobs are waiting already. Try again in a moment.")
        case .inputBytes:
            JobsError(.busy, "The inputs of the unfinished jobs take \(found) bytes already. Try again in a moment.")
        case .unfinishedJobs:
            JobsError(
                .jobsPerOwner,
                "You have \(found) unfinished jobs already. Wait for one to end, or cancel one."
            )
        default: nil
        }
    }

    // MARK: Failures

    /// The job's code is another one now.
    package static func otherVersion(of name: String, isGone: Bool) -> JobFailure {
        let what = isGone ? "has no job “\(name)” any more" : "has another “\(name)”"
        return JobFailure(
            kind: .incompatible,
            code: "version",
            message: "The job was started by an earlier version of the program. This one \(what)."
        )
    }

    /// The job sent more to its page than it may.
    package static func changesAreTooLarge(_ bytes: Int, limit: Int) -> JobFailure {
        JobFailure(
            kind: .tooLarge,
            code: "changes",
            message:
                "The job sent \(bytes) bytes of progress and properties to its page, more than the \(limit) allowed."
        )
    }

    /// The failure of a result that is larger than allowed; nil for one that is not.
    package static func resultIsTooLarge(_ bytes: Int, limit: Int) -> JobFailure? {
        guard bytes > limit else { return nil }
        let message = "The job's result has \(bytes) bytes, more than the \(limit) allowed."
        return JobFailure(kind: .tooLarge, code: "result", message: message)
    }

    /// The result could not be stored.
    package static func resultIsNotStored(_ error: any Error) -> JobFailure {
        JobFailure(
            kind: .storage,
            code: "storage",
            message: "The job succeeded, but its result could not be stored: \(error)"
        )
    }

    /// The server vanished with the attempt.
    package static let serverVanished = JobFailure(
        kind: .lost,
        code: "lost",
        message: "The server came down while the job was running. The job may have done a part of its work."
    )

    /// Worker processes vanished with the job, so often that it is not tried again.
    package static func workerVanished(times: Int) -> JobFailure {
        JobFailure(
            kind: .lost,
            code: "lost",
            message: "The worker process that ran the job vanished \(times) times. The job is not tried again."
        )
    }

    /// A task of another program whose worker sends nothing.
    package static func remoteIsSilent(for time: Duration) -> JobFailure {
        let seconds = time.wholeMilliseconds % 1000 == 0 ? "\(time.wholeMilliseconds / 1000)" : "\(time / .seconds(1))"
        return JobFailure(
            kind: .lost,
            code: "lost",
            message: """
                Another program's worker began the task, then sent nothing for \(seconds) seconds, while no page asked \
                for it. The worker counts as gone.
                """
        )
    }
}
