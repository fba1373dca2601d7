import Dispatch

/// Runs blocking work outside Swift's cooperative thread pool.
enum OffPool {
    private static let queue = DispatchQueue(label: "jobs.sqlite.blocking", attributes: .concurrent)

    static func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result(catching: work)) }
        }
    }
}
