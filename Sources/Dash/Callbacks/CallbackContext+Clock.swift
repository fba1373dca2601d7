extension CallbackContext {
    /// The time that callbacks wait by; a test puts its own in the place of the system's.
    @TaskLocal package static var currentClock: any Clock<Duration> = ContinuousClock()

    /// The clock that callbacks and jobs should wait by: the system's, and in a test the test's own.
    ///
    /// ```swift
    /// try await ctx.clock.sleep(for: .seconds(1))
    /// ```
    public var clock: any Clock<Duration> { Self.currentClock }

    /// Waits by the ``clock``: real time on a server, no time at all in a test, which moves the clock itself.
    ///
    /// - Parameter duration: How long.
    /// - Throws: `CancellationError` when the job is cancelled meanwhile.
    public func sleep(for duration: Duration) async throws { try await clock.sleep(for: duration) }
}
