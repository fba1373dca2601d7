/// The messages about jobs that people read.
package enum JobSentences {
    /// The reason of a job that was cancelled because no page polled it.
    package static let abandoned = "abandoned"

    // MARK: Refused starts

    package static func inputIsTooLarge(_ bytes: Int) -> JobsError {
        JobsError(.tooLarge, "The job's input has \(bytes) bytes and exceeds the limit.")
    }

    /// The error for a refused start.
    ///
    /// - Parameters:
    ///   - failed: The guard that failed.
    ///   - found: The count or the bytes found by the guard.
    /// - Returns: The error; nil if the guard is not a limit.
    package static func refusal(_ failed: JobGuard, found: Int) -> JobsError? {
        switch failed {
        case .waitingJobs:
            JobsError(.busy, "\(found) jobs are already waiting. Try again in a moment.")
        case .inputBytes:
            JobsError(.busy, "The inputs of unfinished jobs already take \(found) bytes. Try again in a moment.")
        case .unfinishedJobs:
            JobsError(
                .jobsPerOwner,
                "You already have \(found) unfinished jobs. Wait for one to finish, or cancel one."
            )
        default: nil
        }
    }

    // MARK: Failures

    package static func otherVersion(of name: String, isGone: Bool) -> JobFailure {
        let what = isGone ? "no longer has a job “\(name)”" : "has a different job “\(name)”"
        return JobFailure(
            kind: .incompatible,
            code: "version",
            message: "The job was started by an earlier version of the program. The current version \(what)."
        )
    }

    package static func changesAreTooLarge(_ bytes: Int, limit: Int) -> JobFailure {
        .tooLarge(
            "changes",
            "The job sent \(bytes) bytes of progress and properties to its page; the limit is \(limit)."
        )
    }

    /// The failure of a result that exceeds the limit; nil for other results.
    package static func resultIsTooLarge(_ bytes: Int, limit: Int) -> JobFailure? {
        guard bytes > limit else { return nil }
        return .tooLarge("result", "The job's result has \(bytes) bytes; the limit is \(limit).")
    }

    package static func resultIsNotStored(_ error: any Error) -> JobFailure {
        JobFailure(
            kind: .storage,
            code: "storage",
            message: "The job succeeded, but its result could not be stored: \(error)"
        )
    }

    /// The server disappeared during the attempt.
    package static let serverVanished = JobFailure.lost(
        "The server stopped while the job was running. The job may have done part of its work."
    )

    /// Worker processes disappeared too often during the job.
    package static func workerVanished(times: Int) -> JobFailure {
        .lost("The worker process that ran the job vanished \(times) times. The job is not retried.")
    }

    /// A task of another program whose worker is silent.
    package static func remoteIsSilent(for time: Duration) -> JobFailure {
        let seconds = time.wholeMilliseconds % 1000 == 0 ? "\(time.wholeMilliseconds / 1000)" : "\(time / .seconds(1))"
        return .lost(
            """
            Another program's worker began the task, then sent nothing for \(seconds) seconds while no page polled it. \
            The task is considered lost.
            """
        )
    }
}
