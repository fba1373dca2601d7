/// Several outputs: the closure returns a tuple, `Outputs(title.children, run.disabled)`.
public struct Outputs<each Value>: OutputSet {
    private let outputs: (repeat Output<each Value>)

    /// Outputs with options of their own: `Outputs(Output(title.children), Output(run.nClicks).skippable)`.
    public init(_ output: repeat Output<each Value>) {
        outputs = (repeat each output)
    }

    /// Outputs to these properties.
    public init(_ property: repeat Prop<each Value>) {
        outputs = (repeat Output(each property))
    }

    /// The outputs, in order.
    public var outputSlots: [OutputSlot] {
        var slots: [OutputSlot] = []
        for output in repeat each outputs { slots += output.outputSlots }
        return slots
    }

    /// True: the browser is told of a list, of one output too.
    public var isMultiple: Bool { true }

    /// Writes the values, in order.
    public func write(_ values: (repeat each Value), to writer: inout OutputWriter) {
        for (output, value) in repeat (each outputs, each values) { output.write(value, to: &writer) }
    }
}

/// No output: for a callback that only has effects, among them ``setProps(_:_:)-(_,Value)``.
public struct NoOutput: OutputSet {
    /// No output.
    public init() {}

    /// None.
    public var outputSlots: [OutputSlot] { [] }

    /// Writes nothing.
    public func write(_ values: Void, to writer: inout OutputWriter) {}
}
