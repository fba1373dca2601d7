import Foundation

/// Runs work that waits (for a child process, for a lock) where it keeps no other task from running.
package enum OwnThread {
    /// Runs `body` on a thread of its own and returns what it returns; cancellation of the task is not noticed.
    package static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(with: Result(catching: body))
            }
        }
    }
}
