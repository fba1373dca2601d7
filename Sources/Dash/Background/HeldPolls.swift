import Jobs
import ServiceLifecycle
import Synchronization

/// Holds polls until there is an update, the time is up, the browser needs the connection, or the server shuts down.
///
/// A browser's polls are counted over all servers of the site. As a service it receives the polls to release for those
/// held by other servers.
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

    /// Creates an empty set of held polls.
    ///
    /// - Parameters:
    ///   - limits: How many polls a session may hold.
    ///   - longestHold: The time after which a poll is answered without an update; well below the 60 s timeout of
    ///     proxies.
    ///   - sharedState: Shares the polls with the other servers.
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

    /// Releases polls at the request of other servers; ends with the server.
    func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            for await holder in sharedState.releases() {
                if let poll = Int(holder) { release(poll) }
            }
        }
        try? await gracefulShutdown()
    }

    /// Suspends until `news` returns, the poll is released, or the server shuts down; then `news` is cancelled.
    ///
    /// - Parameters:
    ///   - session: The session whose limit applies.
    ///   - connection: The poll's connection; its closing releases the poll.
    ///   - limit: The maximum hold of this poll; nil for the general maximum.
    ///   - news: Suspends until there is something to answer.
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
                    // Before its release, a poll may have to be held for a minimum time.
                    try? await Task.sleep(until: instant, clock: .continuous)
                    return
                }
            }
            group.addTask { try? await Task.sleep(for: limit) }
            await group.next()
            group.cancelAll()
        }
    }

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

    /// Releases a poll in favor of one held by another server for the same browser.
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

/// The limit of held polls per browser, as a value: decides which poll is released, and when.
///
/// Chromium opens six connections per host for all tabs together. Six held polls would block even a cancel, so at most
/// ``limit`` are held, and a further poll releases the oldest, but not before ``shortestHold``, so that a page with
/// many jobs does not spin.
struct PollLimits: Sendable {
    /// The maximum number of held polls per session.
    let limit: Int
    /// The minimum hold before a poll is released in favor of another.
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

    /// A poll to release, and the time.
    struct Release: Equatable {
        let poll: Int
        let at: ContinuousClock.Instant
    }

    /// Adds a poll that is about to be held.
    ///
    /// - Returns: The polls to release for it; none within the session's limit.
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

    /// Marks a poll for release although the session is within its limit here: other servers hold more.
    ///
    /// - Returns: The release; nil for an unknown poll or one marked already.
    mutating func release(_ poll: Int, session: String, now: ContinuousClock.Instant) -> Release? {
        guard let index = sessions[session]?.firstIndex(where: { $0.poll == poll && !$0.isLeaving }),
            let since = sessions[session]?[index].since
        else { return nil }
        sessions[session]?[index].isLeaving = true
        return Release(poll: poll, at: max(now, since + shortestHold))
    }

    /// Removes a poll that was answered or whose connection closed.
    mutating func end(_ poll: Int, session: String) {
        sessions[session]?.removeAll { $0.poll == poll }
        if sessions[session]?.isEmpty == true { sessions[session] = nil }
    }

    /// The number of held polls in all sessions.
    var count: Int { sessions.values.reduce(0) { $0 + $1.count } }
}
