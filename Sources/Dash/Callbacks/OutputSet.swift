/// What a callback writes to: an ``Output``, several in ``Outputs``, or ``NoOutput``.
public protocol OutputSet: Sendable {
    /// What the callback's closure returns.
    associatedtype Values

    /// The outputs, in order.
    var outputSlots: [OutputSlot] { get }

    /// Whether the browser is told of a list of outputs; by default if there are several.
    var isMultiple: Bool { get }

    /// Writes the values in the order of the slots, each of them once or skipped.
    func write(_ values: Values, to writer: inout OutputWriter)
}

/// Collects the values of a callback's outputs, one call for each output.
public struct OutputWriter: Sendable {
    private(set) var updates: [OutputUpdate] = []
    /// Why the values do not fit the outputs, if they do not.
    private(set) var problem: DashError?
    private var position = 0

    init() {}

    mutating func write<Value>(_ value: Value, as property: Prop<Value>) {
        var failure: (any Error)?
        write(property.encoded(value, failure: &failure))
        if let failure { refuse("The value for \(PropertyRef(property).text) cannot be encoded.", cause: failure) }
    }

    mutating func write(_ value: RawJSON) {
        updates.append(OutputUpdate(index: position, value: value))
        position += 1
    }

    mutating func skip() { position += 1 }

    /// Notes that the values do not fit the outputs.
    mutating func refuse(_ sentence: String, cause: (any Error)? = nil) {
        problem = problem ?? DashError(.wrongResult, sentence, cause: cause)
    }

    /// What an output writes for one value; `null` where it writes none.
    static func encoded<Value>(_ value: Value, _ put: (Value, inout OutputWriter) -> Void) -> RawJSON {
        var writer = OutputWriter()
        put(value, &writer)
        return writer.updates.first?.value ?? .null
    }
}

extension OutputSet {
    /// Whether there are several outputs.
    public var isMultiple: Bool { outputSlots.count > 1 }
}

extension OutputSet {
    /// The values as they travel.
    ///
    /// - Throws: ``DashError`` with code `wrong-result` if they do not fit the outputs.
    func checkedUpdates(_ values: Values) throws -> [OutputUpdate] {
        var writer = OutputWriter()
        write(values, to: &writer)
        if let problem = writer.problem { throw problem }
        return writer.updates
    }

    /// The values as they travel.
    func updates(_ values: Values) -> [OutputUpdate] {
        var writer = OutputWriter()
        write(values, to: &writer)
        return writer.updates
    }
}

extension OutputSet {
    /// The values with the properties they belong to.
    func placed(_ values: Values) -> [PropertyUpdate] {
        let slots = outputSlots
        return updates(values).map { PropertyUpdate(ref: slots[$0.index].ref, value: $0.value) }
    }
}
