import Crypto
import DashJSON
import Support

struct Callback: Sendable {
    /// The type-erased closure and `onError`.
    typealias Perform = @Sendable (_ arguments: [JSON], _ context: CallbackContext) async throws -> [OutputUpdate]
    typealias OnError =
        @Sendable (_ failure: CallbackFailure, _ context: CallbackContext) async throws -> [OutputUpdate]

    enum Kind: Sendable, Hashable {
        /// Answers within the request.
        case regular
        /// Starts a job.
        case background
        /// Created for an input of `cancel:`; has no result and ends the jobs that the request names.
        case cancel
        /// Runs in the browser; the server gets no requests for it.
        case clientside
    }

    /// The `output` text of the dependencies and requests; unique in the app, and stable across launches.
    let id: String
    /// The user's name for the callback.
    var givenName: String?
    var outputs: [OutputSlot] = []
    /// The placeholder output of a background callback without outputs: the browser cannot distinguish two callbacks
    /// without outputs. It is never written.
    var reservedOutput: PropertyRef?
    let slots: [Slot]
    var background: BackgroundOptions?
    var running: [Running] = []
    let preventInitialCall: PreventInitialCall
    let location: SourceLocation
    /// The types of inputs and outputs, as text. A job started by a build with other types cannot run.
    var signature = ""
    let kind: Kind
    let perform: Perform
    var onError: OnError?
    /// Whether the outputs are a list in the browser.
    var isMultiple = false
    /// Whether its components may be missing from the layout.
    var isOptional = false
    /// Whether the developer tools omit it; nil where Dash does not set it.
    var isHidden: Bool? = false
    /// The function in the browser, for a callback of kind ``Kind/clientside``.
    var clientside: ClientsideFunction?

    /// The user's name for the callback, otherwise the id; part of its jobs' names.
    var name: String { givenName ?? id }

    var isNamed: Bool { givenName != nil }

    /// Whether there are no declared outputs.
    var hasNoOutput: Bool { outputs.isEmpty }

    /// The outputs as the browser knows them.
    var wireOutputs: [PropertyRef] { reservedOutput.map { [$0] } ?? outputs.map(\.ref) }

    var inputs: [PropertyRef] { slots.filter { !$0.isState }.map(\.ref) }

    /// A hash of the callback's name and the types of its inputs and outputs. A job of another version cannot run.
    var version: String {
        let hash = SHA256.hash(data: Array("\(name)\0\(signature)".utf8))
        return hash.prefix(8).map { String($0, radix: 16) }.joined(separator: "-")
    }

    /// The name of its tasks on the queue: the user's name, otherwise that of the app and the outputs. If these do not
    /// identify the callback, inputs and states follow, where the id has a hash: `app/table.data@run.n_clicks|file.value`.
    func taskName(inApp app: String) -> String {
        if isNamed { return name }
        let texts = outputs.map(\.ref.text).joined(separator: "...")
        guard isIndistinct else { return outputs.count > 1 ? "\(app)/..\(texts).." : "\(app)/\(texts)" }
        let states = slots.filter(\.isState).map { "|\($0.ref.text)" }.joined()
        return "\(app)/\(texts)@\(inputs.map(\.text).joined(separator: ","))\(states)"
    }

    /// Whether only the hash of inputs, states and name distinguishes the callback.
    var isIndistinct: Bool { outputs.allSatisfy(\.allowDuplicate) }
}

struct SourceLocation: Sendable, Hashable, CustomStringConvertible {
    /// Module and file: `App/main.swift`.
    let file: String
    let line: Int

    init(file: StaticString, line: UInt) {
        self.file = "\(file)"
        self.line = Int(line)
    }

    var description: String { "\(file):\(line)" }
}

extension Callback {
    /// Runs the callback's closure.
    ///
    /// - Throws: Errors of the closure except ``PreventUpdate``, and ``DashError`` for arguments of another type.
    func run(in context: CallbackContext) async throws -> CallbackOutcome {
        try await outcome { try await perform(context.arguments, context) }
    }

    /// Runs the callback's `onError`; returns `nil` if it has none.
    ///
    /// - Throws: Errors of `onError` except ``PreventUpdate``.
    func recover(from failure: CallbackFailure, in context: CallbackContext) async throws -> CallbackOutcome? {
        guard let onError else { return nil }
        return try await outcome { try await onError(failure, context) }
    }

    private func outcome(_ perform: () async throws -> [OutputUpdate]) async throws -> CallbackOutcome {
        do { return .updates(try await perform()) } catch is PreventUpdate { return .preventUpdate }
    }
}

extension Callback {
    /// The callback whose request carries the jobs to cancel. Each has its own output, because two callbacks with the
    /// same output stop the page in debug mode.
    static func cancelling(on input: PropertyRef, location: SourceLocation) -> Callback {
        let slots = [Slot(ref: input, isState: false, isOptional: false)]
        let identity = CallbackIdentity(name: "cancel", slots: slots, location: location)
        let output = PropertyRef(id: input.id, property: "id")
        return Callback(
            id: identity.text(reserved: output),
            reservedOutput: output,
            slots: slots,
            preventInitialCall: .yes,
            location: location,
            kind: .cancel,
            perform: { _, _ in [] },
            isHidden: nil
        )
    }
}

/// The texts that identify a callback in requests (docs/protocol.md, Layout and dependencies).
struct CallbackIdentity: Sendable {
    /// A hexadecimal hash that distinguishes callbacks with the same outputs. Dash in Python hashes only the inputs, so
    /// that callbacks that differ in state or name replace one another.
    let hash: String

    init(name: String?, slots: [Slot], location: SourceLocation) {
        var parts = [name ?? ""]
        parts.append(Self.texts(of: slots, isState: false))
        parts.append(Self.texts(of: slots, isState: true))
        if slots.isEmpty { parts.append(location.description) }
        hash = Self.hash(parts.joined(separator: "\n"))
    }

    /// The `output` text of a callback with these outputs; the hash alone if there are none.
    ///
    /// - Parameter isMultiple: Whether one output is a list of one.
    func text(outputs: [OutputSlot], isMultiple: Bool) -> String {
        let items = outputs.map { $0.allowDuplicate ? "\($0.ref.text)@\(hash)" : $0.ref.text }
        return switch items.count {
        case 0: hash
        case 1 where !isMultiple: items[0]
        default: "..\(items.joined(separator: "...")).."
        }
    }

    /// The `output` text of an output that is never written.
    func text(reserved output: PropertyRef) -> String { "\(output.text)@\(hash)" }

    private static func texts(of slots: [Slot], isState: Bool) -> String {
        slots.filter { $0.isState == isState }.map(\.ref.text).joined(separator: ".")
    }

    // 128 bits rule out collisions, and are short enough for every request.
    private static func hash(_ text: String) -> String {
        Hexadecimal.text(SHA256.hash(data: Array(text.utf8)).prefix(16))
    }
}

/// Whether a callback runs when its components appear: on load, or when its outputs are added to the page. `true` and
/// `false` are valid literals.
public enum PreventInitialCall: Sendable, Hashable, ExpressibleByBooleanLiteral {
    /// The callback runs when its components appear.
    case no
    /// The callback runs only after an input has changed.
    case yes
    /// The callback runs when its components appear, even if an output allows duplicates.
    case initialDuplicate

    /// Creates ``yes`` from `true`, ``no`` from `false`.
    public init(booleanLiteral value: Bool) { self = value ? .yes : .no }
}
