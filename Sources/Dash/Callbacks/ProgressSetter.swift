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
