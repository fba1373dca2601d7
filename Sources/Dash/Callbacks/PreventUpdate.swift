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
