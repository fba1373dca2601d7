internal import CDashSpawn

/// Threads of our own, for what waits in system calls: nothing blocks Swift's cooperative pool.
enum OwnThread {
    /// Starts a thread that runs `body` once.
    ///
    /// - Parameters:
    ///   - stackSize: Its stack in bytes.
    ///   - body: What it does.
    /// - Returns: Whether the system had room for one more thread.
    static func start(stackSize: Int = 256 << 10, _ body: @escaping @Sendable () -> Void) -> Bool {
        let box = Unmanaged.passRetained(Body(run: body))
        let failed = dash_start_thread(
            stackSize,
            { Unmanaged<Body>.fromOpaque($0).takeRetainedValue().run() },
            box.toOpaque()
        )
        if failed != 0 { box.release() }
        return failed == 0
    }

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(run: @escaping @Sendable () -> Void) { self.run = run }
    }
}
