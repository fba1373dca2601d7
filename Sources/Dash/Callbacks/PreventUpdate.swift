/// Thrown by a callback to leave all of its outputs as they are.
///
/// ```swift
/// guard let city else { throw PreventUpdate() }
/// ```
///
/// To leave only some of several outputs, see ``Output/skippable``.
public struct PreventUpdate: Error {
    /// Nothing to say.
    public init() {}
}
