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

/// What `onError` is told of a callback that ended without a result.
public struct CallbackFailure: Error, CustomStringConvertible {
    /// How the callback ended.
    public struct Kind: Sendable, Hashable, CustomStringConvertible {
        /// The kind's name.
        public let description: String

        /// A kind by its name.
        public init(_ name: String) { description = name }

        /// The callback threw an error.
        public static let error = Kind("error")
        /// The worker process died in the middle of the job.
        public static let crash = Kind("crash")
        /// No worker process could be started.
        public static let startup = Kind("startup")
        /// The server ended while the job ran.
        public static let lost = Kind("lost")
        /// The time limit passed.
        public static let timedOut = Kind("timedOut")
        /// There was no room in the queue.
        public static let busy = Kind("busy")
        /// The program changed since the job was started.
        public static let incompatible = Kind("incompatible")
        /// The result could not be stored.
        public static let storage = Kind("storage")
        /// The result, or what the job sent, is larger than allowed.
        public static let tooLarge = Kind("tooLarge")
    }

    /// How the callback ended.
    public let kind: Kind
    /// A short name for programs, such as the type of the error that was thrown.
    public let code: String
    /// A sentence for people. It may hold what the program's own errors say: think before you show it to visitors.
    public let message: String
    /// A backtrace or further lines, for developers.
    public let trace: String?
    /// The error itself, where it was thrown in this process.
    public let cause: (any Error)?

    /// A failure.
    ///
    /// - Parameters:
    ///   - kind: How the callback ended.
    ///   - code: A short name for programs.
    ///   - message: A sentence for people.
    ///   - trace: A backtrace or further lines.
    ///   - cause: The error itself.
    public init(kind: Kind, code: String, message: String, trace: String? = nil, cause: (any Error)? = nil) {
        self.kind = kind
        self.code = code
        self.message = message
        self.trace = trace
        self.cause = cause
    }

    /// A failure of an error that was thrown in this process.
    init(_ error: any Error) {
        self.init(kind: .error, code: "\(type(of: error))", message: "\(error)", cause: error)
    }

    /// The kind and the message.
    public var description: String { "\(kind): \(message)" }
}
