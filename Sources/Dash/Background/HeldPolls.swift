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
    private let sharedState: any SharedState

    /// - Parameters:
    ///   - limits: how many polls a session may hold.
    ///   - longestHold: after this time a poll is answered without news; well below the 60 s at which proxies cut.
    ///   - sharedState: what tells the other servers of polls.
    init(
        limits: PollLimits = PollLimits(),
        longestHold: Duration = .seconds(20),
        sharedState: any SharedState = LocalSharedState()
    ) {
        state = Mutex(State(limits: limits))
        limit = limits.limit
        self.longestHold = longestHold
        self.sharedState = sharedState
    }

    /// Lets polls go when another server says so; ends with the server.
    func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            for await holder in sharedState.releases() {
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
        sharedState.hold(String(poll), in: session, limit: self.limit)
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
        sharedState.release(String(poll), in: session)
        state.withLock { state in
            state.limits.end(poll, session: session)
            state.polls[poll] = nil
        }
    }
}

/// How many polls of one browser may be held at once, as a value: decides which held poll is let go, and when.
///
/// Chromium opens six connections per host for all its tabs together. With six polls held, not even a
/// cancel would get through; so at most ``limit`` are held, and a further poll lets the oldest go. A poll is
/// never let go before it was held for ``shortestHold``, so a page with many jobs does not spin.
struct PollLimits: Sendable {
    /// Polls held at once per session.
    let limit: Int
    /// The least time between a poll's arrival and its being let go for another.
    let shortestHold: Duration

    private struct Held {
        let poll: Int
        let since: ContinuousClock.Instant
        var isLeaving = false
    }
    private var sessions: [String: [Held]] = [:]

    init(limit: Int = 4, shortestHold: Duration = .milliseconds(250)) {
        self.limit = limit
        self.shortestHold = shortestHold
    }

    /// A held poll to let go, and when.
    struct Release: Equatable {
        let poll: Int
        let at: ContinuousClock.Instant
    }

    /// Notes a poll that is about to be held.
    ///
    /// - Returns: the polls to let go for it; none when the session is within its limit.
    mutating func hold(_ poll: Int, session: String, now: ContinuousClock.Instant) -> [Release] {
        var held = sessions[session, default: []]
        held.append(Held(poll: poll, since: now))
        var surplus = held.count(where: { !$0.isLeaving }) - limit
        var releases: [Release] = []
        for index in held.indices where surplus > 0 && !held[index].isLeaving {
            held[index].isLeaving = true
            surplus -= 1
            releases.append(Release(poll: held[index].poll, at: max(now, held[index].since + shortestHold)))
        }
        sessions[session] = held
        return releases
    }

    /// Notes that a poll has to go although the session is within its limit here: another server holds more.
    ///
    /// - Returns: when to let it go; nil for one that is leaving already, or gone.
    mutating func release(_ poll: Int, session: String, now: ContinuousClock.Instant) -> Release? {
        guard let index = sessions[session]?.firstIndex(where: { $0.poll == poll && !$0.isLeaving }),
            let since = sessions[session]?[index].since
        else { return nil }
        sessions[session]?[index].isLeaving = true
        return Release(poll: poll, at: max(now, since + shortestHold))
    }

    /// Forgets a poll that was answered or whose connection closed.
    mutating func end(_ poll: Int, session: String) {
        sessions[session]?.removeAll { $0.poll == poll }
        if sessions[session]?.isEmpty == true { sessions[session] = nil }
    }

    /// Polls held now, in all sessions.
    var count: Int { sessions.values.reduce(0) { $0 + $1.count } }
}
