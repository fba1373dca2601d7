import ServiceLifecycle
import Synchronization

/// Holds polls open until there is news, the time is up, the browser needs the connection, or the server shuts down.
final class HeldPolls: Sendable {
    private struct State {
        var limits: PollLimits
        var nextPoll = 0
        var releases: [Int: AsyncStream<ContinuousClock.Instant>.Continuation] = [:]
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
    /// A graceful shutdown of the server that the request came to lets the poll go too.
    ///
    /// - Parameters:
    ///   - session: whose limit counts.
    ///   - connection: the connection the poll came on; when the browser closes it the poll is let go.
    ///   - limit: the longest time for this poll; nil leaves it at that for all.
    ///   - news: suspends until there is something to answer.
    func hold(
        session: String,
        connection: ConnectionWatch?,
        atMost limit: Duration? = nil,
        until news: @escaping @Sendable () async -> Void
    ) async {
        let (releases, release) = AsyncStream<ContinuousClock.Instant>.makeStream()
        let poll = begin(session: session, release: release)
        connection?.onClose { release.yield(.now) }
        await withGracefulShutdownHandler {
            await wait(for: news, releases, atMost: min(limit ?? longestHold, longestHold))
        } onGracefulShutdown: {
            release.yield(.now)
        }
        connection?.onClose(nil)
        end(poll, session: session)
    }

    private func wait(
        for news: @escaping @Sendable () async -> Void,
        _ releases: AsyncStream<ContinuousClock.Instant>,
        atMost limit: Duration
    ) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await news() }
            group.addTask {
                for await instant in releases {
                    // The one wait of a poll that was told when to go.
                    try? await Task.sleep(until: instant, clock: .continuous)
                    return
                }
            }
            group.addTask { try? await Task.sleep(for: limit) }
            await group.next()
            group.cancelAll()
        }
    }

    /// Polls held now.
    var count: Int { state.withLock { $0.limits.count } }

    private func begin(session: String, release: AsyncStream<ContinuousClock.Instant>.Continuation) -> Int {
        state.withLock { state in
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
