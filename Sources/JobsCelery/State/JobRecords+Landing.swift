import Jobs

// The followers of a job that ended.
extension JobRecords {
    /// Gives the followers of a job its end, where that is shared; otherwise the first of them leads and the others follow it.
    /// Each is a transition of its own, a hundred in one round trip. What a process that dies here leaves, a sweep finishes.
    ///
    /// - Parameter end: How the job ended; nil if it did not.
    /// - Returns: The followers whose message is to be sent, where this Redis is not the broker.
    @discardableResult
    func land(_ leader: JobID, with end: JobEnd?) async throws -> [JobID] {
        let shared = end.flatMap { $0.isShared ? $0 : nil }
        var leading: [JobID] = []
        while true {
            let list = RedisCommand("LRANGE", settings.prefix + "landing:" + leader.text, 0, 99)
            let ids = try await send(list).texts.compactMap { JobID($0) }
            guard !ids.isEmpty else { return leading }
            let known = zip(ids, try await facts(of: ids))
            if let shared {
                try await share(shared, of: leader, with: known.map { ($0, $1) })
            } else {
                for (id, facts) in known where try await takeOver(id, facts, of: leader) { leading.append(id) }
            }
        }
    }

    private func share(_ end: JobEnd, of leader: JobID, with followers: [(JobID, RecordFacts?)]) async throws {
        var end = end
        if end.state == .succeeded { end.result = .of(leader) }
        let commits = followers.map { id, facts in
            guard let facts, facts.job.isFollowing, !facts.job.state.isFinished else { return landed(id, leader) }
            var commit = ending(rules.share(end, with: facts.job), facts)
            commit.landedFrom = leader
            commit.name = JobID.new.text
            return commit
        }
        for (commit, result) in zip(commits, try await self.commit(commits)) {
            // One that ended by itself meanwhile is only taken off the list.
            if case .refused = result { _ = try await self.commit(landed(commit.transition.id, leader)) }
        }
    }

    /// - Returns: whether the follower leads now.
    private func takeOver(_ id: JobID, _ facts: RecordFacts?, of leader: JobID) async throws -> Bool {
        var (facts, isTaken) = (facts, false)
        let name = JobID.new.text
        while let known = facts, known.job.isFollowing, known.job.state == .queued,
            let transition = rules.takeOver(known.job, isTaken: isTaken)
        {
            var commit = RecordCommit(transition, of: known, name: name)
            commit.landedFrom = leader
            switch try await self.commit(commit) {
            case .applied, .repeated: return !isTaken
            case .refused(.isFree?, _, _): isTaken = true
            case .refused(.isTaken?, _, _): isTaken = false
            case .refused(_, _, let found): facts = found
            }
        }
        _ = try await commit(landed(id, leader))
        return false
    }

    /// Takes a job off a landing list.
    private func landed(_ id: JobID, _ leader: JobID) -> RecordCommit {
        var commit = RecordCommit(unread: JobTransition(id, to: nil, []))
        commit.landedFrom = leader
        return commit
    }
}
