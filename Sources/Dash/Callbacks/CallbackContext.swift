public import DashJSON
import Logging

/// What a running callback can know of the call besides its arguments, and its way to set other properties. See ``ctx``.
public struct CallbackContext: Sendable {
    /// A property and its value, as the browser sent it.
    public struct Property: Sendable, Hashable {
        /// The component.
        public let id: ComponentID
        /// The property's name in the browser.
        public let property: String
        /// The value; null where there was none.
        public let value: JSON
    }

    /// The values of one input or state; several where it stands for a list of components.
    struct Binding: Sendable, Hashable {
        var isState: Bool
        var isList: Bool
        var members: [Property]
        /// The slot, where it has wildcards.
        var pattern: PropertyRef?

        /// What the callback's closure is given.
        var argument: JSON { isList ? .array(members.map(\.value)) : members.first?.value ?? .null }
    }

    /// What a running callback sends to the page before its result.
    enum Event: Sendable {
        case progress([PropertyUpdate])
        case setProps([PropertyUpdate])
    }

    @TaskLocal static var current: CallbackContext?

    /// The inputs whose change ran the callback; none when it runs because its components appeared.
    public let triggered: [Property]
    let bindings: [Binding]
    let request: RequestPart
    /// One for each output as the browser knows them.
    var outputs: [Target] = []
    /// The answer that is in the making; nil in a job.
    var reply: CallbackReply?
    let emit: @Sendable (Event) -> Void

    /// The component of the first input in ``triggered``.
    public var triggeredID: ComponentID? { triggered.first?.id }

    /// The values of the inputs, in order; those of a list of components one after the other.
    public var inputs: [Property] { bindings.filter { !$0.isState }.flatMap(\.members) }

    /// The values of the states, in order; those of a list of components one after the other.
    public var states: [Property] { bindings.filter(\.isState).flatMap(\.members) }

    /// The values for the callback's slots, in order.
    var arguments: [JSON] { bindings.map(\.argument) }
}

/// The context of the callback that is running: `ctx.triggeredID`, `try ctx.cookie("theme")`.
///
/// It follows child tasks and `Task { }`, but not `Task.detached`, threads and dispatch queues; write `let ctx = ctx`
/// outside of these. Outside of any callback it is empty, and what is set through it is logged and lost.
public var ctx: CallbackContext { CallbackContext.current ?? .outside }

extension CallbackContext {
    /// What there is where no callback runs. A trap would be harder on a server than a line in its log.
    static let outside = CallbackContext(triggered: [], bindings: [], request: .whole(PageRequest(), owner: "")) { _ in
        Logger(label: "dash").error(
            """
            setProps was called where no callback runs, so nothing is set. Inside a detached task, a thread or a dispatch \
            queue, capture the context first: let ctx = ctx; then call ctx.setProps.
            """
        )
    }
}
