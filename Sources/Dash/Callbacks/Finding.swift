/// A mistake in how an app is declared, found when it starts.
struct Finding: Sendable, Hashable, CustomStringConvertible {
    /// Where it was declared.
    let location: SourceLocation
    /// What is wrong and what to do about it.
    let sentence: String

    /// `file:line: sentence`.
    var description: String { "\(location): \(sentence)" }
}

extension CallbackRegistry {
    /// Every mistake in the registered callbacks that can be known without the page, in the order of registration.
    var findings: [Finding] {
        let callbacks = callbacks
        let own = callbacks.flatMap { callback in
            CallbackRules.sentences(for: callback).map { Finding(location: callback.location, sentence: $0) }
        }
        return own + DuplicateRules.findings(in: callbacks) + GraphRules(callbacks).findings
    }
}
