import DashJSON
public import Jobs

/// A callback's result without an error, and its stored form.
enum CallbackOutcome: Sendable, Hashable {
    /// New values for outputs, without those that were skipped.
    case updates([OutputUpdate])
    /// The callback threw ``PreventUpdate``.
    case preventUpdate

    /// The new values; nil if the callback threw ``PreventUpdate``.
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

    /// Decodes ``encoded``. The values are not parsed, as they may be large.
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

/// The failure of a callback, passed to `onError`.
public struct CallbackFailure: Error, CustomStringConvertible {
    /// The kinds of failure.
    public typealias Kind = JobFailure.Kind

    /// The kind of failure.
    public let kind: Kind
    /// A short name for programs, such as the type of the thrown error.
    public let code: String
    /// A message for people. It may contain internal error messages; consider this before showing it to visitors.
    public let message: String
    /// A backtrace or further details, for developers.
    public let trace: String?
    /// The error, if it was thrown in this process.
    public let cause: (any Error)?

    /// Creates a failure; see the properties.
    public init(kind: Kind, code: String, message: String, trace: String? = nil, cause: (any Error)? = nil) {
        self.kind = kind
        self.code = code
        self.message = message
        self.trace = trace
        self.cause = cause
    }

    /// A failure for an error thrown in this process.
    init(_ error: any Error) {
        self.init(kind: .error, code: "\(type(of: error))", message: "\(error)", cause: error)
    }

    /// The kind and the message.
    public var description: String { "\(kind): \(message)" }
}
