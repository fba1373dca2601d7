import Synchronization

/// Holds polls open until there is news, the time is up, the browser needs the connection, or the server shuts down.
final class HeldPolls: Sendable {
    private struct State {
        var limits: PollLimits
        var nextPoll = 0
        var releases: [Int: AsyncStream<ContinuousClock.Instant>.Continuation] = [:]
        var isShutDown = false
    }
    private let state: Mutex<State>
    private let longestHold: Duration

    /// - Parameters:
    ///   - limits: how many polls a session may hold.
    ///   - longestHold: after this time a poll is answered without news; well below the 60 s at which proxies cut.
    init(limits: PollLimits = PollLimits(), longestHold: Duration = .seconds(20)) {
        state = Mutex(State(limits: limits))
        self.longestHold = longestHold
    }

    /// Suspends until `news` returns or the poll is let go, whichever is first; `news` is cancelled then.
    ///
    /// - Parameters:
    ///   - session: whose limit counts.
    ///   - connection: the connection the poll came on; when the browser closes it the poll is let go.
    ///   - news: suspends until there is something to answer.
    func hold(session: String, connection: ConnectionWatch?, until news: @escaping @Sendable () async -> Void) async {
        let (releases, release) = AsyncStream<ContinuousClock.Instant>.makeStream()
        guard let poll = begin(session: session, release: release) else { return }
        connection?.onClose { release.yield(.now) }
        let longestHold = longestHold
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await news() }
            group.addTask {
                for await instant in releases {
                    // The one wait of a poll that was told when to go.
                    try? await Task.sleep(until: instant, clock: .continuous)
                    return
                }
            }
            group.addTask { try? await Task.sleep(for: longestHold) }
            await group.next()
            group.cancelAll()
        }
        connection?.onClose(nil)
        end(poll, session: session)
    }

    /// Answers every held poll now and holds none from now on.
    func shutDown() {
        let releases = state.withLock { state in
            state.isShutDown = true
            return Array(state.releases.values)
        }
        for release in releases { release.yield(.now) }
    }

    /// Polls held now.
    var count: Int { state.withLock { $0.limits.count } }

    private func begin(session: String, release: AsyncStream<ContinuousClock.Instant>.Continuation) -> Int? {
        state.withLock { state in
            guard !state.isShutDown else { return nil }
            let poll = state.nextPoll
            state.nextPoll += 1
            state.releases[poll] = release
            for other in state.limits.hold(poll, session: session, now: .now) {
                state.releases[other.poll]?.yield(other.at)
            }
            return poll
        }
    }

    private func end(_ poll: Int, session: String) {
        state.withLock { state in
            state.limits.end(poll, session: session)
            state.releases[poll] = nil
        }
    }
}
