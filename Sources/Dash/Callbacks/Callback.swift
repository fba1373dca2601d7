import DashJSON

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
