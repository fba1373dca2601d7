import Crypto
import DashJSON
import Support

/// One registered callback.
struct Callback: Sendable {
    /// The types its closure and its `onError` were reduced to.
    typealias Perform = @Sendable (_ arguments: [JSON], _ context: CallbackContext) async throws -> [OutputUpdate]
    typealias OnError =
        @Sendable (_ failure: CallbackFailure, _ context: CallbackContext) async throws -> [OutputUpdate]

    enum Kind: Sendable, Hashable {
        /// Answers within the request.
        case regular
        /// Starts a job.
        case background
        /// Made for an input of `cancel:`; answers nothing, ends the jobs that the request names.
        case cancel
        /// Runs in the browser; its requests never come.
        case clientside
    }

    /// The `output` text of the dependencies and requests; unique in the app, and the same at each launch.
    let id: String
    /// The name the user gave, else the id; a job's name is made of it.
    let name: String
    /// True if the user gave the name.
    let isNamed: Bool
    /// The outputs the user declared.
    let outputs: [OutputSlot]
    /// The output that stands in for none in a background callback: without one the browser takes two callbacks without
    /// outputs for the same. Nothing is ever written to it.
    let reservedOutput: PropertyRef?
    let slots: [Slot]
    let background: BackgroundOptions?
    let running: [Running]
    let preventInitialCall: PreventInitialCall
    let location: SourceLocation
    /// The types of inputs and outputs, as text: a job that was started by a build with others cannot run.
    let signature: String
    let kind: Kind
    let perform: Perform
    let onError: OnError?
    /// Whether the browser knows the outputs as a list.
    var isMultiple = false
    /// Whether its components may be missing in the layout.
    var isOptional = false
    /// Whether the developer's tools leave it out; nil where stock Dash does not say.
    var isHidden: Bool? = false
    /// The function in the browser, for a callback of kind ``Kind/clientside``.
    var clientside: ClientsideFunction?

    /// True if the user declared no outputs.
    var hasNoOutput: Bool { outputs.isEmpty }

    /// The outputs as the browser knows them.
    var wireOutputs: [PropertyRef] { reservedOutput.map { [$0] } ?? outputs.map(\.ref) }

    var inputs: [PropertyRef] { slots.filter { !$0.isState }.map(\.ref) }
}

/// Where in the program something was declared.
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

/// Makes the texts that name a callback on the wire (docs/protocol.md, Layout and dependencies).
struct CallbackIdentity: Sendable {
    /// Hexadecimal digits that tell apart callbacks with the same outputs. Stock Dash hashes the inputs alone, so that
    /// callbacks that differ in their state or name replace one another.
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

    /// The `output` text of an output that nothing is written to.
    func text(reserved output: PropertyRef) -> String { "\(output.text)@\(hash)" }

    private static func texts(of slots: [Slot], isState: Bool) -> String {
        slots.filter { $0.isState == isState }.map(\.ref.text).joined(separator: ".")
    }

    // 128 bits: enough that no two callbacks of an app meet, and short in every request.
    private static func hash(_ text: String) -> String {
        Hexadecimal.text(SHA256.hash(data: Array(text.utf8)).prefix(16))
    }
}

/// Whether a callback runs when the page loads, or when its outputs are put into the page. Written as `true` or `false`.
public enum PreventInitialCall: Sendable, Hashable, ExpressibleByBooleanLiteral {
    /// The callback runs when its components appear.
    case no
    /// The callback runs only when an input changes afterwards.
    case yes
    /// The callback runs when its components appear, although an output allows duplicates.
    case initialDuplicate

    /// `true`: the callback runs only when an input changes afterwards.
    public init(booleanLiteral value: Bool) { self = value ? .yes : .no }
}
