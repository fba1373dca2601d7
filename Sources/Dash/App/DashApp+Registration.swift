import DashJSON
import Jobs

/// What every overload of `callback` and `backgroundCallback` comes down to.
extension DashApp {
    /// The options of a registration, besides outputs and inputs.
    struct Registration: Sendable {
        var running: [Running]
        /// `nil` is what the app says.
        var preventInitialCall: PreventInitialCall?
        var name: String?
        var location: SourceLocation
        var background: BackgroundOptions?
        var optional = false
        var hidden = false
        var clientside: ClientsideFunction?

        fileprivate var kind: Callback.Kind {
            if clientside != nil { return .clientside }
            return background == nil ? .regular : .background
        }
    }

    /// Registers a callback.
    ///
    /// - Parameters:
    ///   - output: What it writes.
    ///   - inputs: What it reads, one for each argument of the closure.
    ///   - types: The types of these arguments, as text.
    ///   - onError: What to answer instead of an error.
    ///   - registration: The options.
    ///   - perform: Reads the arguments and calls the user's closure.
    func register<O: OutputSet>(
        _ output: O,
        inputs: [[Slot]],
        types: [String],
        onError: (@Sendable (CallbackFailure) async throws -> O.Values?)?,
        _ registration: Registration,
        perform: @escaping @Sendable (inout ArgumentReader, CallbackContext) async throws -> O.Values
    ) {
        let slots = inputs.flatMap(\.self)
        let outputs = output.outputSlots
        let identity = CallbackIdentity(name: registration.name, slots: slots, location: registration.location)
        let reserved = registration.reservedOutput(outputs: outputs, slots: slots)
        let id =
            reserved.map(identity.text(reserved:)) ?? identity.text(outputs: outputs, isMultiple: output.isMultiple)
        registry.add(
            Callback(
                id: id,
                name: registration.name ?? id,
                isNamed: registration.name != nil,
                outputs: outputs,
                reservedOutput: reserved,
                slots: slots,
                background: registration.background,
                running: registration.running,
                preventInitialCall: registration.preventInitialCall ?? preventInitialCalls,
                location: registration.location,
                signature: "(\(types.joined(separator: ", "))) -> \(O.Values.self)",
                kind: registration.kind,
                perform: Self.erased(output, perform),
                onError: onError.map { Self.erased(output, $0) },
                isMultiple: output.isMultiple,
                isOptional: registration.optional,
                isHidden: registration.hidden,
                clientside: registration.clientside
            )
        )
    }

    private static func erased<O: OutputSet>(
        _ output: O,
        _ perform: @escaping @Sendable (inout ArgumentReader, CallbackContext) async throws -> O.Values
    ) -> Callback.Perform {
        { arguments, context in
            try await CallbackContext.$current.withValue(context) {
                var reader = ArgumentReader(arguments)
                return try output.checkedUpdates(try await perform(&reader, context))
            }
        }
    }

    private static func erased<O: OutputSet>(
        _ output: O,
        _ onError: @escaping @Sendable (CallbackFailure) async throws -> O.Values?
    ) -> Callback.OnError {
        { failure, context in
            try await CallbackContext.$current.withValue(context) {
                try await onError(failure).map { try output.checkedUpdates($0) } ?? []
            }
        }
    }
}

extension DashApp.Registration {
    /// The output that a background callback without outputs is sent with.
    fileprivate func reservedOutput(outputs: [OutputSlot], slots: [Slot]) -> PropertyRef? {
        guard background != nil, outputs.isEmpty, let input = slots.first(where: { !$0.isState }) else { return nil }
        return PropertyRef(id: input.ref.id, property: "id")
    }
}
