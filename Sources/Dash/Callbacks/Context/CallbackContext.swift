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

// MARK: - Clock

extension CallbackContext {
    /// The time that callbacks wait by; a test puts its own in the place of the system's.
    @TaskLocal package static var currentClock: any Clock<Duration> = ContinuousClock()

    /// The clock that callbacks and jobs should wait by: the system's, and in a test the test's own.
    ///
    /// ```swift
    /// try await ctx.clock.sleep(for: .seconds(1))
    /// ```
    public var clock: any Clock<Duration> { Self.currentClock }

    /// Waits by the ``clock``: real time on a server, no time at all in a test, which moves the clock itself.
    ///
    /// - Parameter duration: How long.
    /// - Throws: `CancellationError` when the job is cancelled meanwhile.
    public func sleep(for duration: Duration) async throws { try await clock.sleep(for: duration) }
}

// MARK: - Groupings

extension CallbackContext {
    /// One argument of the callback's closure with the components it comes from.
    public struct Argument: Sendable, Hashable {
        /// The components and values, in the order of the page; one, unless the argument is a list.
        public let members: [Property]
        /// Those whose change ran the callback.
        public let triggered: [Property]
        /// True for a ``State``.
        public let isState: Bool
        /// True if the argument is a list, one value for each component of a pattern.
        public let isList: Bool

        /// The component; of a list the first one, `nil` if it is empty.
        public var id: ComponentID? { members.first?.id }
        /// The property's name in the browser; `nil` for an empty list.
        public var property: String? { members.first?.property }
        /// The value as JSON; of a list all values.
        public var value: JSON { isList ? .array(members.map(\.value)) : members.first?.value ?? .null }
        /// Whether a change of it ran the callback.
        public var isTriggered: Bool { !triggered.isEmpty }
    }

    /// One output of the callback with the components it is written to in this call.
    public struct Target: Sendable, Hashable {
        let pattern: PropertyRef
        /// The components; one, unless the output stands for a list.
        public let ids: [ComponentID]

        /// The component; of a list the first one, `nil` if it is empty.
        public var id: ComponentID? { ids.first }
        /// The property's name in the browser.
        public var property: String { pattern.property }
        /// True if the output stands for a list of components.
        public var isList: Bool { pattern.id.standsForList }
    }

    /// The inputs and states in the order of the closure's arguments; see ``Values/args`` for those of an ``InputGroup``.
    public var argsGrouping: [Argument] {
        bindings.map { binding in
            Argument(
                members: binding.members,
                triggered: binding.isState ? [] : binding.members.filter(isTriggered),
                isState: binding.isState,
                isList: binding.isList
            )
        }
    }

    /// The outputs in the order of their declaration, with the ids that patterns stand for in this call.
    public var outputsGrouping: [Target] { outputs }

    /// Whether a change of this property, or of one that a pattern stands for, ran the callback.
    public func isTriggered<Value>(_ property: Prop<Value>) -> Bool {
        let ref = PropertyRef(property)
        return triggered.contains { ref.stands(for: PropertyRef(id: $0.id, property: $0.property)) }
    }

    private func isTriggered(_ member: Property) -> Bool {
        triggered.contains { $0.id == member.id && $0.property == member.property }
    }
}

/// Sets a property of any component in the page while the callback runs: `setProps(grid.rowData, rows)`.
///
/// A regular callback's values arrive with its result, those of a background callback as soon as the page asks.
///
/// - Parameters:
///   - property: What is set.
///   - value: The new value.
public func setProps<Value>(_ property: Prop<Value>, _ value: Value) {
    ctx.setProps(property, value)
}

/// Changes a property of any component in part while the callback runs: `setProps(chart.figure, patch)`.
///
/// - Parameters:
///   - property: What is changed.
///   - patch: The changes.
public func setProps<Value>(_ property: Prop<Value>, _ patch: Patch) {
    ctx.setProps(property, patch)
}

/// Sets properties of a component by the names of the browser while the callback runs:
/// `setProps("note", ["value": "done"])`.
///
/// - Parameters:
///   - id: The component.
///   - properties: New values by the names of the browser.
public func setProps(_ id: ComponentID, _ properties: KeyValuePairs<String, any JSONEncodable>) {
    ctx.setProps(id, properties)
}

extension CallbackContext {
    /// The same as the function ``/Dash/setProps(_:_:)-(_,Value)``, for where the context had to be captured.
    public func setProps<Value>(_ property: Prop<Value>, _ value: Value) {
        let update = PropertyUpdate(ref: PropertyRef(property), value: property.encoded(value))
        emit(.setProps(property.isList ? listed(update) : placed([update])))
    }

    /// The same as the function ``/Dash/setProps(_:_:)-(ComponentID,_)``, for where the context had to be captured.
    public func setProps(_ id: ComponentID, _ properties: KeyValuePairs<String, any JSONEncodable>) {
        emit(
            .setProps(
                placed(
                    properties.map { name, value in
                        PropertyUpdate(ref: PropertyRef(id: id, property: name), value: RawJSON(value))
                    }
                )
            )
        )
    }

    /// The same as the function ``/Dash/setProps(_:_:)-(_,Patch)``, for where the context had to be captured.
    public func setProps<Value>(_ property: Prop<Value>, _ patch: Patch) {
        emit(.setProps(placed([PropertyUpdate(ref: PropertyRef(property), value: RawJSON(patch))])))
    }
}

// MARK: - Reply

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

/// What a background callback with `progress:` gets as its first argument: `setProgress("3", "10")`.
///
/// A call never blocks and never fails; when calls come faster than the page can show them, the newest counts.
public struct ProgressSetter<Progress: OutputSet>: Sendable {
    let send: @Sendable (Progress.Values) -> Void

    init(_ progress: Progress, context: CallbackContext) {
        let refs = progress.outputSlots.map(\.ref)
        send = { values in
            let updates = progress.updates(values).map { PropertyUpdate(ref: refs[$0.index], value: $0.value) }
            context.emit(.progress(context.placed(updates)))
        }
    }

    /// Shows the values in the page.
    public func callAsFunction(_ values: Progress.Values) { send(values) }

    /// Shows the values in the page, one for each of several outputs.
    public func callAsFunction<each Value>(_ value: repeat each Value) where Progress == Outputs<repeat each Value> {
        send((repeat each value))
    }
}

/// Thrown by a callback to leave all of its outputs as they are.
///
/// ```swift
/// app.callback(Output(text.children), Input(city.value.as(String?.self))) { city in
///     guard let city else { throw PreventUpdate() }
///     return "The weather in \(city)"
/// }
/// ```
///
/// To leave only some of several outputs, see ``Output/skippable``.
public struct PreventUpdate: Error {
    /// Nothing to say.
    public init() {}
}
