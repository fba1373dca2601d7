import DashJSON

/// Named outputs, nested to any depth; Dash in Python uses a dict.
///
/// ```swift
/// struct Panel: OutputGroup {
///     let title = Output(heading.children), isBusy = Output(run.disabled)
/// }
/// app.callback(Panel(), Input(run.nClicks)) { clicks in
///     var updates = Updates<Panel>()
///     updates.title = "Run \(clicks ?? 0)"
///     return updates
/// }
/// ```
///
/// The group consists of its stored properties, in order: ``Output``, other groups and lists of them. Outputs that are
/// not set stay unchanged.
public protocol OutputGroup: OutputSet where Values == Updates<Self> {}

extension OutputGroup {
    /// The outputs, in order.
    public var outputSlots: [OutputSlot] {
        // Reflection returns members of any type.
        Mirror(reflecting: self).children.compactMap { $0.value as? any OutputSet }.flatMap(\.outputSlots)
    }

    /// True: even a single output is a list in the browser.
    public var isMultiple: Bool { true }

    /// Writes the values that were set, and skips the rest.
    public func write(_ values: Updates<Self>, to writer: inout OutputWriter) {
        let collected = values.collected(for: self)
        for slot in outputSlots {
            if let value = collected[slot] { writer.write(value) } else { writer.skip() }
        }
    }
}

/// New values for some of the outputs of an ``OutputGroup``, by the names of the outputs.
@dynamicMemberLookup
public struct Updates<Group: OutputGroup> {
    private struct Entry {
        let value: Any
        let collect: (Group, inout [OutputSlot: RawJSON]) -> Void
    }

    private var entries: [PartialKeyPath<Group>: Entry] = [:]

    /// Creates an empty set of updates.
    public init() {}

    /// The new value of an output or a list of outputs; `nil` leaves it unchanged.
    public subscript<Outputs: OutputSet>(dynamicMember member: KeyPath<Group, Outputs>) -> Outputs.Values? {
        get { entries[member]?.value as? Outputs.Values }
        set { set(member, newValue) }
    }

    /// The new value of an output; `nil` leaves it unchanged.
    public subscript<Value>(dynamicMember member: KeyPath<Group, Output<Value>>) -> Value? {
        get { entries[member]?.value as? Value }
        set { set(member, newValue) }
    }

    /// The new value of an output that may be null; setting `nil` sets null. See ``skip(_:)``.
    public subscript<Value>(dynamicMember member: KeyPath<Group, Output<Value?>>) -> Value? {
        get { (entries[member]?.value as? Value?) ?? nil }
        set { set(member, .some(newValue)) }
    }

    /// The new values of a nested group.
    public subscript<Inner: OutputGroup>(dynamicMember member: KeyPath<Group, Inner>) -> Updates<Inner> {
        // Entries are stored without their types.
        get { entries[member]?.value as? Updates<Inner> ?? Updates<Inner>() }
        set { set(member, newValue) }
    }

    /// Leaves an output unchanged, and discards a value set before.
    public mutating func skip<Outputs: OutputSet>(_ member: KeyPath<Group, Outputs>) { entries[member] = nil }

    /// Patches an output: `updates.patch(\.figure, patch)`.
    public mutating func patch<Value>(_ member: KeyPath<Group, Output<Value>>, _ patch: Patch) {
        entries[member] = Entry(value: patch) { group, collected in
            for slot in group[keyPath: member].outputSlots { collected[slot] = RawJSON(patch) }
        }
    }

    private mutating func set<Outputs: OutputSet>(_ member: KeyPath<Group, Outputs>, _ value: Outputs.Values?) {
        guard let value else {
            entries[member] = nil
            return
        }
        entries[member] = Entry(value: value) { group, collected in
            let outputs = group[keyPath: member]
            let slots = outputs.outputSlots
            for update in outputs.updates(value) { collected[slots[update.index]] = update.value }
        }
    }

    fileprivate func collected(for group: Group) -> [OutputSlot: RawJSON] {
        var collected: [OutputSlot: RawJSON] = [:]
        for entry in entries.values { entry.collect(group, &collected) }
        return collected
    }
}

extension Array: OutputSet where Element: OutputSet {
    /// The outputs, in order.
    public var outputSlots: [OutputSlot] { flatMap(\.outputSlots) }

    /// True: even a single output is a list in the browser.
    public var isMultiple: Bool { true }

    /// Writes the values, one for each output; any other number of values is an error.
    public func write(_ values: [Element.Values], to writer: inout OutputWriter) {
        guard values.count == count else {
            return writer.refuse(
                "The callback has \(count) outputs, but returned \(values.count) values. Return one for each output."
            )
        }
        for (output, value) in zip(self, values) { output.write(value, to: &writer) }
    }
}

/// The ``CallbackContext/outputsGrouping`` of an ``OutputGroup``, by the names of its members.
@dynamicMemberLookup
public struct Targets<Group: OutputGroup> {
    private let group: Group
    private let slots: [OutputSlot]
    private let targets: [CallbackContext.Target]

    init(group: Group, slots: [OutputSlot], targets: [CallbackContext.Target]) {
        self.group = group
        self.slots = slots
        self.targets = targets
    }

    /// The components of an output in this call; empty if the group is not the callback's.
    public subscript<Value>(dynamicMember member: KeyPath<Group, Output<Value>>) -> [ComponentID] {
        guard let slot = group[keyPath: member].outputSlots.first, let place = slots.firstIndex(of: slot),
            targets.indices.contains(place)
        else { return [] }
        return targets[place].ids
    }
}
