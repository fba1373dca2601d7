/// One input or state of a callback.
public struct Slot: Sendable, Hashable {
    let ref: PropertyRef
    /// True for a state, whose changes run nothing.
    let isState: Bool
    /// True if the callback also runs without the component; the value is null then.
    let isOptional: Bool
}

/// One output of a callback.
public struct OutputSlot: Sendable, Hashable {
    let ref: PropertyRef
    /// True if other callbacks may have the same output.
    let allowDuplicate: Bool
    /// True if the values are lists of one value for each component that the id stands for.
    var isList = false
}
