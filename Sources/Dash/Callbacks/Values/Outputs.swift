/// Several outputs: `Outputs(title.children, run.disabled)`. The closure returns a tuple.
public struct Outputs<each Value>: OutputSet {
    private let outputs: (repeat Output<each Value>)

    /// Creates outputs with options: `Outputs(Output(title.children), Output(run.nClicks).skippable)`.
    public init(_ output: repeat Output<each Value>) {
        outputs = (repeat each output)
    }

    /// Creates outputs to these properties.
    public init(_ property: repeat Prop<each Value>) {
        outputs = (repeat Output(each property))
    }

    /// The outputs, in order.
    public var outputSlots: [OutputSlot] {
        var slots: [OutputSlot] = []
        for output in repeat each outputs { slots += output.outputSlots }
        return slots
    }

    /// True: even a single output is a list in the browser.
    public var isMultiple: Bool { true }

    /// Writes the values, in order.
    public func write(_ values: (repeat each Value), to writer: inout OutputWriter) {
        for (output, value) in repeat (each outputs, each values) { output.write(value, to: &writer) }
    }
}

/// No output, for a callback that only has side effects, such as ``setProps(_:_:)-(_,Value)``.
public struct NoOutput: OutputSet {
    /// Creates an empty set of outputs.
    public init() {}

    /// An empty list.
    public var outputSlots: [OutputSlot] { [] }

    /// Writes nothing.
    public func write(_ values: Void, to writer: inout OutputWriter) {}
}

/// The outputs of a callback: an ``Output``, several in ``Outputs``, or ``NoOutput``.
public protocol OutputSet: Sendable {
    /// The result of the callback's closure.
    associatedtype Values

    /// The outputs, in order.
    var outputSlots: [OutputSlot] { get }

    /// Whether the outputs are a list in the browser; by default if there are several.
    var isMultiple: Bool { get }

    /// Writes the values in the order of the slots; each must be written or skipped once.
    func write(_ values: Values, to writer: inout OutputWriter)
}

/// Collects the values of a callback's outputs, one call for each output.
public struct OutputWriter: Sendable {
    private(set) var updates: [OutputUpdate] = []
    /// The error, if the values do not match the outputs.
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

    /// Records that the values do not match the outputs; the first error is kept.
    mutating func refuse(_ sentence: String, cause: (any Error)? = nil) {
        problem = problem ?? DashError(.wrongResult, sentence, cause: cause)
    }

    /// The value that an output writes; `null` if it writes none.
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
    /// The encoded values.
    ///
    /// - Throws: ``DashError`` with code `wrong-result` if they do not match the outputs.
    func checkedUpdates(_ values: Values) throws -> [OutputUpdate] {
        var writer = OutputWriter()
        write(values, to: &writer)
        if let problem = writer.problem { throw problem }
        return writer.updates
    }

    func updates(_ values: Values) -> [OutputUpdate] {
        var writer = OutputWriter()
        write(values, to: &writer)
        return writer.updates
    }
}

extension OutputSet {
    /// The encoded values with their properties.
    func placed(_ values: Values) -> [PropertyUpdate] {
        let slots = outputSlots
        return updates(values).map { PropertyUpdate(ref: slots[$0.index].ref, value: $0.value) }
    }
}
