/// How many polls of one browser may be held at once, as a value: decides which held poll is let go, and when.
///
/// Chromium opens six connections per host for all its tabs together (dash-protocol §18). With six polls held, not even a
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
