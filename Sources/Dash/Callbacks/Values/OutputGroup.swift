import DashJSON

/// Outputs under names: what Dash writes as a dict, at any depth.
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
/// Its stored properties count, in their order: ``Output``, other groups and lists of them. What an answer does not set
/// stays as it is.
public protocol OutputGroup: OutputSet where Values == Updates<Self> {}

extension OutputGroup {
    /// The outputs, in order.
    public var outputSlots: [OutputSlot] {
        // Reflection gives members of any type.
        Mirror(reflecting: self).children.compactMap { $0.value as? any OutputSet }.flatMap(\.outputSlots)
    }

    /// True: the browser is told of a list, of one output too.
    public var isMultiple: Bool { true }

    /// Writes what was set, and skips the rest.
    public func write(_ values: Updates<Self>, to writer: inout OutputWriter) {
        let collected = values.collected(for: self)
        for slot in outputSlots {
            if let value = collected[slot] { writer.write(value) } else { writer.skip() }
        }
    }
}

/// New values for some of the outputs of an ``OutputGroup``, each set under the name of its output.
@dynamicMemberLookup
public struct Updates<Group: OutputGroup> {
    private struct Entry {
        let value: Any
        let collect: (Group, inout [OutputSlot: RawJSON]) -> Void
    }

    private var entries: [PartialKeyPath<Group>: Entry] = [:]

    /// Nothing is set yet.
    public init() {}

    /// The new value of an output or a list of outputs; `nil`, which is also what it is set to in order not to be set,
    /// leaves it as it is.
    public subscript<Outputs: OutputSet>(dynamicMember member: KeyPath<Group, Outputs>) -> Outputs.Values? {
        get { entries[member]?.value as? Outputs.Values }
        set { set(member, newValue) }
    }

    /// The new value of an output; `nil`, which is also what it is set to in order not to be set, leaves it as it is.
    public subscript<Value>(dynamicMember member: KeyPath<Group, Output<Value>>) -> Value? {
        get { entries[member]?.value as? Value }
        set { set(member, newValue) }
    }

    /// The new value of an output that may be null: to set `nil` is to set null. See ``skip(_:)``.
    public subscript<Value>(dynamicMember member: KeyPath<Group, Output<Value?>>) -> Value? {
        get { (entries[member]?.value as? Value?) ?? nil }
        set { set(member, .some(newValue)) }
    }

    /// The new values of a group within the group.
    public subscript<Inner: OutputGroup>(dynamicMember member: KeyPath<Group, Inner>) -> Updates<Inner> {
        // Entries are stored without their types.
        get { entries[member]?.value as? Updates<Inner> ?? Updates<Inner>() }
        set { set(member, newValue) }
    }

    /// Leaves an output as it is, whatever was set before.
    public mutating func skip<Outputs: OutputSet>(_ member: KeyPath<Group, Outputs>) { entries[member] = nil }

    /// Changes an output in part: `updates.patch(\.figure, patch)`.
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

    /// True: the browser is told of a list, of one output too.
    public var isMultiple: Bool { true }

    /// Writes the values, one for each output; another number of values is an error of the callback.
    public func write(_ values: [Element.Values], to writer: inout OutputWriter) {
        guard values.count == count else {
            return writer.refuse(
                "The callback has \(count) outputs, but returned \(values.count) values: return one for each."
            )
        }
        for (output, value) in zip(self, values) { output.write(value, to: &writer) }
    }
}

extension CallbackContext {
    /// The outputs of a group with the ids that patterns stand for in this call, under their names.
    ///
    /// - Parameter group: The callback's outputs.
    public func outputsGrouping<Group: OutputGroup>(of group: Group) -> Targets<Group> {
        Targets(group: group, slots: group.outputSlots, targets: outputsGrouping)
    }
}

/// What ``CallbackContext/outputsGrouping`` tells of the outputs of an ``OutputGroup``, under their names.
@dynamicMemberLookup
public struct Targets<Group: OutputGroup> {
    fileprivate let group: Group
    fileprivate let slots: [OutputSlot]
    fileprivate let targets: [CallbackContext.Target]

    /// The components of an output in this call; none where the group is not the callback's.
    public subscript<Value>(dynamicMember member: KeyPath<Group, Output<Value>>) -> [ComponentID] {
        guard let slot = group[keyPath: member].outputSlots.first, let place = slots.firstIndex(of: slot),
            targets.indices.contains(place)
        else { return [] }
        return targets[place].ids
    }
}
