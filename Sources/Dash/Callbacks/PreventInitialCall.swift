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
