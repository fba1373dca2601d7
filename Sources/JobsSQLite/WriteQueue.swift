import GRDB
import Synchronization

/// Groups writes: those submitted during a commit share the next transaction.
///
/// Nothing here blocks Swift's cooperative threads: the database writes on its own thread.
final class WriteQueue: Sendable {
    /// A write; `work` returns what to do after the commit.
    private struct Submission: Sendable {
        var work: @Sendable (Database) throws -> @Sendable () -> Void
        var fail: @Sendable (any Error) -> Void
    }

    private let pool: DatabasePool
    private let waiting = Mutex<[Submission]>([])

    init(_ pool: DatabasePool) {
        self.pool = pool
    }

    /// Performs work in a transaction and returns after the commit. Cancellation has no effect.
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
            // Each in its own transaction, so that one failure does not affect the others.
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
            // SQLite rolls back a transaction on a full disk.
            if db.isInsideTransaction { try db.rollback() }
            throw error
        }
    }
}
