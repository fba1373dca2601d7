import Jobs
import ServiceLifecycle
import Synchronization

/// Holds polls open until there is news, the time is up, the browser needs the connection, or the server shuts down.
///
/// A browser's polls are counted over all servers of the site. A service: it hears which polls have to go for one that
/// another server holds.
final class HeldPolls: Service {
    private struct Held {
        var session: String
        var release: AsyncStream<ContinuousClock.Instant>.Continuation
    }

    private struct State {
        var limits: PollLimits
        var nextPoll = 0
        var polls: [Int: Held] = [:]
    }
    private let state: Mutex<State>
    private let longestHold: Duration
    private let limit: Int
    private let fleet: any JobFleet

    /// - Parameters:
    ///   - limits: how many polls a session may hold.
    ///   - longestHold: after this time a poll is answered without news; well below the 60 s at which proxies cut.
    ///   - fleet: what tells the other servers of polls.
    init(
        limits: PollLimits = PollLimits(),
        longestHold: Duration = .seconds(20),
        fleet: any JobFleet = LocalFleet()
    ) {
        state = Mutex(State(limits: limits))
        limit = limits.limit
        self.longestHold = longestHold
        self.fleet = fleet
    }

    /// Lets polls go when another server says so; ends with the server.
    func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            for await holder in fleet.releases() {
                if let poll = Int(holder) { release(poll) }
            }
        }
        try? await gracefulShutdown()
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
        fleet.hold(String(poll), in: session, limit: self.limit)
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
            state.polls[poll] = Held(session: session, release: release)
            for other in state.limits.hold(poll, session: session, now: .now) {
                state.polls[other.poll]?.release.yield(other.at)
            }
            return poll
        }
    }

    /// A poll that another server's poll of the same browser takes the place of.
    private func release(_ poll: Int) {
        state.withLock { state in
            guard let held = state.polls[poll],
                let release = state.limits.release(poll, session: held.session, now: .now)
            else { return }
            held.release.yield(release.at)
        }
    }

    private func end(_ poll: Int, session: String) {
        fleet.letGo(String(poll), in: session)
        state.withLock { state in
            state.limits.end(poll, session: session)
            state.polls[poll] = nil
        }
    }
}
