import GRDB
import Synchronization

/// Gathers writes and commits those that come while another is being committed in one transaction.
///
/// Nothing here runs on Swift's cooperative threads: the database has a thread of its own for writing.
final class WriteQueue: Sendable {
    /// What a write does in the transaction; it returns what is to be done when that is committed.
    private struct Submission: Sendable {
        var work: @Sendable (Database) throws -> @Sendable () -> Void
        var fail: @Sendable (any Error) -> Void
    }

    private let pool: DatabasePool
    private let waiting = Mutex<[Submission]>([])

    init(_ pool: DatabasePool) {
        self.pool = pool
    }

    /// Does some work in a transaction and returns when that is committed. Never ends early.
    func write<Value: Sendable>(_ work: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let submission = Submission {
                let value = try work($0)
                return { continuation.resume(returning: value) }
            } fail: {
                continuation.resume(throwing: StorageFailure.using($0))
            }
            submit(submission)
        }
    }

    private func submit(_ submission: Submission) {
        let isFirst = waiting.withLock { waiting in
            waiting.append(submission)
            return waiting.count == 1
        }
        guard isFirst else { return }
        pool.asyncWriteWithoutTransaction { self.commitWaiting($0) }
    }

    private func commitWaiting(_ db: Database) {
        let group = waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        do {
            let completions = try transaction(db) { try group.map { try $0.work(db) } }
            for complete in completions { complete() }
        } catch {
            // Each in its own transaction, so that one cannot spoil the others.
            if group.count == 1 { group[0].fail(error) } else { commitEach(group, db) }
        }
    }

    private func commitEach(_ group: [Submission], _ db: Database) {
        for submission in group {
            do {
                let complete = try transaction(db) { try submission.work(db) }
                complete()
            } catch {
                submission.fail(error)
            }
        }
    }

    private func transaction<Value>(_ db: Database, _ work: () throws -> Value) throws -> Value {
        try db.beginTransaction(.immediate)
        do {
            let value = try work()
            try db.commit()
            return value
        } catch {
            // A full disk ends a transaction by itself.
            if db.isInsideTransaction { try db.rollback() }
            throw error
        }
    }
}
