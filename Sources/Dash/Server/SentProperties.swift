import Synchronization

/// Collects what a callback sets by `setProps` while it runs in the server, for the `sideUpdate` of its answer.
final class SentProperties: Sendable {
    private let updates = Mutex<[PropertyUpdate]>([])

    /// Takes what a callback sends; progress is no matter of regular callbacks.
    var add: @Sendable (CallbackContext.Event) -> Void {
        { [self] event in
            if case .setProps(let properties) = event { updates.withLock { $0 += properties } }
        }
    }

    /// What was set until now, in order.
    var properties: [PropertyUpdate] { updates.withLock { $0 } }
}
