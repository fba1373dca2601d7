import CeleryProtocol
import DashJSON
import Logging

/// Executes plans: sends messages, stores failures and counts chord parts.
struct CanvasRunner: Sendable {
    let canvas: Canvas
    let results: any ResultStore
    /// Puts a message into its queue.
    let publish: @Sendable (BrokerMessage) async throws -> Void
    /// The current time in milliseconds since 1970.
    let now: @Sendable () -> Int64
    let logger: Logger

    /// Counts chord parts; nil without that capability (`rpc://`).
    private var chords: RedisResults? { results.inRedis }

    /// Sends the steps of a plan.
    ///
    /// - Throws: Errors of `publish`, and `CeleryError.option` for a chord without results in Redis. Earlier steps
    ///   remain sent.
    func send(_ steps: [CanvasStep]) async throws {
        for step in steps {
            switch step {
            case .open(let group, let size):
                guard let chords else {
                    throw CeleryError.option("A chord requires a result backend in Redis; configure its address.")
                }
                try await chords.open(group, size: size)
            case .send(let message, let queue):
                try await publish(message.raw(queue: queue))
            }
        }
    }

    /// Executes the rest of a plan after the task's result is stored: stores failures, counts chord parts, and sends
    /// the bodies of completed chords.
    ///
    /// - Throws: Errors of `publish` and the stores. Call it again with the same plan then: parts count once, and a
    ///   chord's unsent body is sent.
    func conclude(_ plan: CanvasPlan) async throws {
        for failure in plan.failures { try await results.store(failure) }
        for part in plan.parts {
            guard let chord = try await chords?.end(part) else { continue }
            try await complete(chord)
        }
    }

    private func complete(_ chord: CompleteChord) async throws {
        switch chord.outcome {
        case .success: try await sendBody(of: chord)
        case .failure(let exception):
            let facts: Logger.Metadata = ["group": "\(chord.part.group)", "error": "\(exception.message)"]
            logger.warning("A chord failed", metadata: facts)
            try await failBody(of: chord, exception)
            try await chords?.fail(chord)
        }
    }

    private func sendBody(of chord: CompleteChord) async throws {
        // Another worker may have taken over while the results were read.
        guard try await chords?.keep(chord) == true else { return }
        do {
            try await send(try canvas.plan(after: chord, now: now()).steps)
        } catch let error as CeleryError where error.isLasting {
            let facts: Logger.Metadata = ["group": "\(chord.part.group)", "error": "\(error)"]
            logger.error("Could not send a chord's body", metadata: facts)
            try await failBody(of: chord, .chordError("Callback error: \(error)"))
        }
        try await chords?.close(chord)
    }

    private func failBody(of chord: CompleteChord, _ exception: TaskException) async throws {
        let plan = try canvas.failure(of: chord.part.body, exception, now: now())
        try await conclude(plan)
        try await send(plan.steps)
    }
}
