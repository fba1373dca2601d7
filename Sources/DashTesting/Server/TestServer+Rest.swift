import Dash

/// When there is nothing left to do but to wait for time.
extension TestServer {
    /// Waits until everything has been done that can be without the clock being moved: whatever else is on its way waits by
    /// the clock, or is a job.
    ///
    /// - Throws: `TestError` with code `patience`.
    func comeToRest() async throws {
        try await waiting(for: "A callback") {
            let sleepers = self.options.clock.sleepers
            return self.flights.allSatisfy { $0.value.isPoll || sleepers.contains(.request($0.key)) }
        }
    }

    /// Waits until something is so, as long as there is activity within the test's patience.
    func waiting(for what: String, _ isSo: () -> Bool) async throws {
        var generation = await executor.idle()
        while !isSo() {
            try await activity(after: generation, what)
            generation = await executor.idle()
        }
    }

    /// Waits for activity that comes from elsewhere: the network, other threads.
    func activity(after generation: Int, _ what: String) async throws {
        let (executor, patience) = (executor, options.patience)
        let isTimely = await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                await executor.activity(after: generation)
                return true
            }
            group.addTask {
                try? await Task.sleep(for: patience)
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
        try Task.checkCancellation()
        guard isTimely else { throw TestError.impatient(what, patience) }
    }

    /// The next moment at which a callback, a job or the job manager goes on; nil if none of them waits by the clock.
    ///
    /// The manager counts where no job is running: it may be the next attempt of one that is waited for.
    var nextDeadline: Duration? {
        let running = jobs.running
        return options.clock.nextDeadline { sleeper in
            switch sleeper {
            case .manager: running.isEmpty
            case .request, .job, .other: true
            }
        }
    }
}

extension TestError {
    fileprivate static func impatient(_ what: String, _ patience: Duration) -> TestError {
        TestError(
            .patience,
            """
            \(what) has not ended within \(patience) of real time, and does not wait by the test's clock. What it waits for \
            must come, or TestOptions.patience must be longer; let it wait with ctx.sleep(for:), which takes no time in a test.
            """
        )
    }
}
