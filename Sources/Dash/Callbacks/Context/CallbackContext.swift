public import DashJSON
import Logging

/// The call of a running callback besides its arguments, and access to other properties of the page; see ``ctx``.
public struct CallbackContext: Sendable {
    /// A property and its value, as the browser sent it.
    public struct Property: Sendable, Hashable {
        /// The component.
        public let id: ComponentID
        /// The property's name in the browser.
        public let property: String
        /// The value; null if there was none.
        public let value: JSON
    }

    /// The values of one input or state; several if it stands for a list of components.
    struct Binding: Sendable, Hashable {
        var isState: Bool
        var isList: Bool
        var members: [Property]
        /// The property with its wildcards; nil without wildcards.
        var pattern: PropertyRef?

        /// The argument of the callback's closure.
        var argument: JSON { isList ? .array(members.map(\.value)) : members.first?.value ?? .null }
    }

    /// What a running callback sends to the page before its result.
    enum Event: Sendable {
        case progress([PropertyUpdate])
        case setProps([PropertyUpdate])
    }

    @TaskLocal static var current: CallbackContext?

    /// The inputs whose change ran the callback; empty when it runs because its components appeared.
    public let triggered: [Property]
    let bindings: [Binding]
    let request: RequestPart
    /// One for each output as the browser knows them.
    var outputs: [Target] = []
    /// The pending response's cookies, headers and timings; nil in a job.
    var reply: CallbackReply?
    let emit: @Sendable (Event) -> Void

    /// The component of the first input in ``triggered``.
    public var triggeredID: ComponentID? { triggered.first?.id }

    /// The values of the inputs, in order; a list of components contributes one value each.
    public var inputs: [Property] { bindings.filter { !$0.isState }.flatMap(\.members) }

    /// The values of the states, in order; a list of components contributes one value each.
    public var states: [Property] { bindings.filter(\.isState).flatMap(\.members) }

    /// The values of the callback's slots, in order.
    var arguments: [JSON] { bindings.map(\.argument) }
}

/// The context of the running callback: `ctx.triggeredID`, `try ctx.cookie("theme")`.
///
/// Child tasks and `Task { }` inherit it, but not `Task.detached`, threads and dispatch queues; write `let ctx = ctx`
/// before these. Outside of a callback it is empty, and setting properties only logs an error.
public var ctx: CallbackContext { CallbackContext.current ?? .outside }

extension CallbackContext {
    /// The context outside of callbacks. It logs misuse, as a trap would end the server.
    static let outside = CallbackContext(triggered: [], bindings: [], request: .whole(PageRequest(), owner: "")) { _ in
        Logger(label: "dash").error(
            """
            setProps was called outside of a callback; nothing was set. In a detached task, a thread or a dispatch \
            queue, capture the context first: let ctx = ctx; then call ctx.setProps.
            """
        )
    }
}

// MARK: - Clock

extension CallbackContext {
    /// The clock of callbacks; a test sets its own.
    @TaskLocal package static var currentClock: any Clock<Duration> = ContinuousClock()

    /// The clock for waits in callbacks and jobs: the system's, or the test's.
    ///
    /// ```swift
    /// try await ctx.clock.sleep(for: .seconds(1))
    /// ```
    public var clock: any Clock<Duration> { Self.currentClock }

    /// Waits on the ``clock``: in real time on a server, without delay in a test, which advances the clock.
    ///
    /// - Parameter duration: The time to wait.
    /// - Throws: `CancellationError` when the job is cancelled meanwhile.
    public func sleep(for duration: Duration) async throws { try await clock.sleep(for: duration) }
}

// MARK: - Groupings

extension CallbackContext {
    /// One argument of the callback's closure with its components.
    public struct Argument: Sendable, Hashable {
        /// The components and values, in page order; one, unless the argument is a list.
        public let members: [Property]
        /// The members whose change ran the callback.
        public let triggered: [Property]
        /// Whether it is a ``State``.
        public let isState: Bool
        /// Whether the argument is a list with one value for each component of a pattern.
        public let isList: Bool

        /// The component; for a list the first one, `nil` if it is empty.
        public var id: ComponentID? { members.first?.id }
        /// The property's name in the browser; `nil` for an empty list.
        public var property: String? { members.first?.property }
        /// The value as JSON; for a list all values.
        public var value: JSON { isList ? .array(members.map(\.value)) : members.first?.value ?? .null }
        /// Whether its change ran the callback.
        public var isTriggered: Bool { !triggered.isEmpty }
    }

    /// One output of the callback with the components it is written to in this call.
    public struct Target: Sendable, Hashable {
        let pattern: PropertyRef
        /// The components; one, unless the output stands for a list.
        public let ids: [ComponentID]

        /// The component; for a list the first one, `nil` if it is empty.
        public var id: ComponentID? { ids.first }
        /// The property's name in the browser.
        public var property: String { pattern.property }
        /// Whether the output stands for a list of components.
        public var isList: Bool { pattern.id.standsForList }
    }

    /// The inputs and states in the order of the closure's arguments; see ``Values/args`` for those of an
    /// ``InputGroup``.
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

    /// The outputs in the order of their declaration, with the ids that match their patterns in this call.
    public var outputsGrouping: [Target] { outputs }

    /// The components of a group's outputs in this call, by the names of the outputs.
    ///
    /// - Parameter group: The callback's outputs.
    public func outputsGrouping<Group: OutputGroup>(of group: Group) -> Targets<Group> {
        Targets(group: group, slots: group.outputSlots, targets: outputsGrouping)
    }

    /// Whether a change of this property, or of one that matches its pattern, ran the callback.
    public func isTriggered<Value>(_ property: Prop<Value>) -> Bool {
        let ref = PropertyRef(property)
        return triggered.contains { ref.stands(for: PropertyRef(id: $0.id, property: $0.property)) }
    }

    private func isTriggered(_ member: Property) -> Bool {
        triggered.contains { $0.id == member.id && $0.property == member.property }
    }
}

/// Sets a property of any component on the page while the callback runs: `setProps(grid.rowData, rows)`.
///
/// Values of a regular callback arrive with its result, those of a background callback with the page's next poll.
///
/// - Parameters:
///   - property: The property to set.
///   - value: The new value.
public func setProps<Value>(_ property: Prop<Value>, _ value: Value) {
    ctx.setProps(property, value)
}

/// Patches a property of any component on the page while the callback runs: `setProps(chart.figure, patch)`.
///
/// - Parameters:
///   - property: The property to change.
///   - patch: The changes.
public func setProps<Value>(_ property: Prop<Value>, _ patch: Patch) {
    ctx.setProps(property, patch)
}

/// Sets properties of a component by their names in the browser while the callback runs:
/// `setProps("note", ["value": "done"])`.
///
/// - Parameters:
///   - id: The component.
///   - properties: The new values by the properties' names in the browser.
public func setProps(_ id: ComponentID, _ properties: KeyValuePairs<String, any JSONEncodable>) {
    ctx.setProps(id, properties)
}

extension CallbackContext {
    /// Same as the function ``/Dash/setProps(_:_:)-(_,Value)``, for a captured context.
    public func setProps<Value>(_ property: Prop<Value>, _ value: Value) {
        let update = PropertyUpdate(ref: PropertyRef(property), value: property.encoded(value))
        emit(.setProps(property.isList ? listed(update) : placed([update])))
    }

    /// Same as the function ``/Dash/setProps(_:_:)-(ComponentID,_)``, for a captured context.
    public func setProps(_ id: ComponentID, _ properties: KeyValuePairs<String, any JSONEncodable>) {
        let updates = properties.map { PropertyUpdate(ref: PropertyRef(id: id, property: $0), value: RawJSON($1)) }
        emit(.setProps(placed(updates)))
    }

    /// Same as the function ``/Dash/setProps(_:_:)-(_,Patch)``, for a captured context.
    public func setProps<Value>(_ property: Prop<Value>, _ patch: Patch) {
        emit(.setProps(placed([PropertyUpdate(ref: PropertyRef(property), value: RawJSON(patch))])))
    }
}

// MARK: - Reply

extension CallbackContext {
    /// The response's cookies and headers.
    ///
    /// - Throws: ``DashError`` with code `not-in-job` in a background job, which has no response to set them on.
    public var response: CallbackReply {
        get throws {
            guard let reply else {
                throw DashError(
                    .notInJob,
                    "A background job has no response to set cookies or headers on. Set them in a regular callback."
                )
            }
            return reply
        }
    }

    /// Records how long a part of the callback took; in debug the developer tools show it (`Server-Timing`).
    ///
    /// Without effect in a background job.
    ///
    /// - Parameters:
    ///   - name: A short name.
    ///   - duration: How long it took.
    ///   - description: A description for people.
    public func recordTiming(_ name: String, _ duration: Duration, description: String? = nil) {
        reply?.record(
            name.filter { $0.isASCII && ($0.isLetter || $0.isNumber || "_- ".contains($0)) },
            duration,
            description
        )
    }

    /// The timings recorded by ``recordTiming(_:_:description:)``, by name.
    public var timingInformation: [String: Duration] { reply?.timings ?? [:] }
}

/// The first argument of a background callback with `progress:`: `setProgress("3", "10")`.
///
/// Calls never block and never fail; the page may skip values that are replaced before its next poll.
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

    /// Shows the values in the page, one for each output.
    public func callAsFunction<each Value>(_ value: repeat each Value) where Progress == Outputs<repeat each Value> {
        send((repeat each value))
    }
}

/// Thrown by a callback to leave all of its outputs unchanged.
///
/// ```swift
/// app.callback(Output(text.children), Input(city.value.as(String?.self))) { city in
///     guard let city else { throw PreventUpdate() }
///     return "The weather in \(city)"
/// }
/// ```
///
/// To leave only some of several outputs unchanged, see ``Output/skippable``.
public struct PreventUpdate: Error {
    /// Creates the error.
    public init() {}
}
