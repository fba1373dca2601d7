import Jobs
import Logging
import Synchronization

extension CeleryJobManager {
    /// Listens for a job that another program's worker does.
    func follow(_ id: JobID, name: String) {
        let isNew = state.withLock { $0.followed.insert(id).inserted }
        if isNew { following.yield((id, name)) }
    }

    func followRemoteJobs() async {
        await withDiscardingTaskGroup { group in
            for await (id, name) in follows {
                group.addTask {
                    await self.followOne(id, name: name)
                    _ = self.state.withLock { $0.followed.remove(id) }
                }
            }
        }
    }

    /// Carries what Celery's result of a task tells into the record, until the job has ended.
    private func followOne(_ id: JobID, name: String) async {
        do {
            let metas = try await parts.subscriber.messages(of: records.metaKey(of: id), isPattern: false)
            if try await look(at: id, name: name) { return }
            for await meta in metas {
                if let meta {
                    if try await take(meta.payload, of: id, name: name) { return }
                } else if try await look(at: id, name: name) {
                    return
                }
            }
        } catch {
            // Whoever waits for its news, or the sweep, looks again.
            parts.logger.debug("A task's result is not heard of.", metadata: ["job": "\(id)", "error": "\(error)"])
        }
    }

    /// Looks at what Celery's results tell of jobs now.
    func look(at ids: [JobID]) async throws {
        for (id, meta) in zip(ids, try await records.metas(of: ids)) {
            guard let meta, let job = try await records.news(of: id, after: .max) else { continue }
            _ = try await take(meta, of: id, name: job.news.name)
        }
    }

    private func look(at id: JobID, name: String) async throws -> Bool {
        guard let meta = try await records.metas(of: [id]).first ?? nil else { return false }
        return try await take(meta, of: id, name: name)
    }

    private func take(_ meta: [UInt8], of id: JobID, name: String) async throws -> Bool {
        guard let news = RemoteNews(meta: meta, of: name, codec: parts.codec) else {
            return false
        }
        return try await records.take(news, of: id, meta: meta)
    }

    /// Tells all workers to stop a task, whether it waits or runs.
    func revoke(_ id: JobID) async throws {
        try await parts.broker.revoke([id.text], terminate: true)
    }
}
