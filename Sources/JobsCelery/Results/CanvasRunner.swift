import Logging

/// Does what a plan says: sends messages, stores the failures of what can run no more, counts parts of chords.
struct CanvasRunner: Sendable {
    let canvas: Canvas
    /// Where results go; nil where there are none.
    let results: (any ResultStore)?
    /// Where parts of chords are counted; nil where that cannot be (`rpc://`).
    let chords: (any ChordStore)?
    /// Puts a message into its queue.
    let publish: @Sendable (RawTask) async throws -> Void
    /// The present time in milliseconds since 1970.
    let now: @Sendable () -> Int64
    let logger: Logger

    /// Sends what a plan has to be sent.
    ///
    /// - Throws: what `publish` throws, and `CeleryError.option` for a chord where there is nothing that counts its parts.
    ///   What was sent before stays sent.
    func send(_ steps: [CanvasStep]) async throws {
        for step in steps {
            switch step {
            case .open(let group, let size):
                guard let chords else {
                    throw CeleryError(.option, "A chord needs results in Redis: give the address of a result backend.")
                }
                try await chords.open(group, size: size)
            case .send(let message, let queue):
                try await publish(message.raw(queue: queue))
            }
        }
    }

    /// Tells the rest of a plan, after the task's own result is stored: failures of what can run no more, parts of chords,
    /// and what follows those.
    ///
    /// - Throws: what `publish` and the stores throw. Say it again then, with the same plan: parts count once, and a chord's
    ///   body that could not be sent is sent.
    func conclude(_ plan: CanvasPlan) async throws {
        for failure in plan.failures { try await results?.store(failure) }
        for part in plan.parts {
            guard let chord = try await chords?.end(part) else { continue }
            try await complete(chord)
        }
    }

    private func complete(_ chord: CompleteChord) async throws {
        switch chord.outcome {
        case .success: try await sendBody(of: chord)
        case .failure(let exception):
            logger.warning(
                "A chord failed",
                metadata: ["group": "\(chord.part.group)", "error": "\(exception.message)"]
            )
            try await failBody(of: chord, exception)
            try await chords?.fail(chord)
        }
    }

    private func sendBody(of chord: CompleteChord) async throws {
        // Somebody else may have taken over while the results were read.
        guard try await chords?.keep(chord) == true else { return }
        do {
            try await send(try canvas.plan(after: chord, now: now()).steps)
        } catch let error as CeleryError where error.isLasting {
            logger.error(
                "A chord's body was not sent",
                metadata: ["group": "\(chord.part.group)", "error": "\(error)"]
            )
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

extension CeleryError {
    /// Whether no time makes it better.
    var isLasting: Bool { [.option, .malformed, .contentType, .unknownTask].contains(code) }
}
