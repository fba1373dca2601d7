/// What a callback writes to: an ``Output``, several in ``Outputs``, or ``NoOutput``.
public protocol OutputSet: Sendable {
    /// What the callback's closure returns.
    associatedtype Values

    /// The outputs, in order.
    var outputSlots: [OutputSlot] { get }

    /// Writes the values in the order of the slots, each of them once or skipped.
    func write(_ values: Values, to writer: inout OutputWriter)
}

/// Collects the values of a callback's outputs, one call for each output.
public struct OutputWriter: Sendable {
    private(set) var updates: [OutputUpdate] = []
    private var position = 0

    init() {}

    mutating func write<Value>(_ value: Value, as property: Prop<Value>) {
        updates.append(OutputUpdate(index: position, value: property.encoded(value)))
        position += 1
    }

    mutating func skip() { position += 1 }
}

extension OutputSet {
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
