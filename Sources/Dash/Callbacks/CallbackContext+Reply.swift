extension CallbackContext {
    /// The head of the answer: cookies and headers that the callback sets.
    ///
    /// - Throws: ``DashError`` with code `not-in-job` in a background job, whose page has had its answer long since.
    public var response: CallbackReply {
        get throws {
            guard let reply else {
                throw DashError(
                    .notInJob,
                    "A background job has no answer to set cookies or headers on: set them in a regular callback."
                )
            }
            return reply
        }
    }

    /// Notes how long a part of the callback took: in debug the developer's tools show it (`Server-Timing`).
    ///
    /// In a background job nobody looks at it.
    ///
    /// - Parameters:
    ///   - name: A short name.
    ///   - duration: How long it took.
    ///   - description: What it was, for people.
    public func recordTiming(_ name: String, _ duration: Duration, description: String? = nil) {
        reply?.record(
            name.filter { $0.isASCII && ($0.isLetter || $0.isNumber || "_- ".contains($0)) },
            duration,
            description
        )
    }

    /// What ``recordTiming(_:_:description:)`` was told until now, by name.
    public var timingInformation: [String: Duration] { reply?.timings ?? [:] }
}
