import DashJSON

/// How a callback ended without an error, as it comes back from a job and is kept as its result.
enum CallbackOutcome: Sendable, Hashable {
    /// New values for outputs; none for those that were skipped.
    case updates([OutputUpdate])
    /// The callback threw ``PreventUpdate``.
    case preventUpdate

    /// The new values; nil if the callback changed nothing.
    var updates: [OutputUpdate]? {
        if case .updates(let updates) = self { updates } else { nil }
    }

    /// The outcome as JSON: `{"0": value, …}` by position, or `null`.
    var encoded: RawJSON {
        switch self {
        case .preventUpdate:
            return .null
        case .updates(let updates):
            var writer = JSONWriter(capacity: updates.reduce(8) { $0 + $1.value.bytes.count + 8 })
            writer.object { object in
                for update in updates { object.member(String(update.index), update.value) }
            }
            return RawJSON(unchecked: writer.bytes)
        }
    }

    /// Reads what ``encoded`` wrote; the values are cut out, not parsed, for they may be large.
    ///
    /// - Throws: ``DashError`` with code `type-mismatch` for anything else.
    init(decoding raw: RawJSON) throws {
        if raw == .null {
            self = .preventUpdate
            return
        }
        guard let members = try? JSONScanner.members(of: raw.bytes[...]) else {
            throw DashError.typeMismatch(CallbackOutcome.self, raw.json)
        }
        self = .updates(
            try members.map { key, value in
                guard let index = Int(key) else { throw DashError.typeMismatch(Int.self, .string(key)) }
                return OutputUpdate(index: index, value: RawJSON(unchecked: Array(value)))
            }
        )
    }
}

extension Callback {
    /// Runs the callback's closure.
    ///
    /// - Throws: what the closure throws, besides ``PreventUpdate``, and ``DashError`` for arguments of another type.
    func run(in context: CallbackContext) async throws -> CallbackOutcome {
        do {
            return .updates(try await perform(context.arguments, context))
        } catch is PreventUpdate {
            return .preventUpdate
        }
    }

    /// Runs the callback's `onError`, if it has one; `nil` if it has none.
    ///
    /// - Throws: what `onError` throws, besides ``PreventUpdate``.
    func recover(from failure: CallbackFailure, in context: CallbackContext) async throws -> CallbackOutcome? {
        guard let onError else { return nil }
        do {
            return .updates(try await onError(failure, context))
        } catch is PreventUpdate {
            return .preventUpdate
        }
    }
}
