import DashJSON

/// What a callback reads: an ``Input`` or a ``State``.
public protocol Dependency: Sendable {
    /// The closure's argument.
    associatedtype Value

    /// The properties it reads, in order.
    var slots: [Slot] { get }

    /// Reads the next values, one for each slot.
    ///
    /// - Throws: ``DashError`` with code `type-mismatch` if the browser sent something else.
    func read(from arguments: inout ArgumentReader) throws -> Value
}

/// Hands out the values of a request, in the order of the callback's slots.
public struct ArgumentReader: Sendable {
    private let values: [JSON]
    /// How many values were handed out.
    private(set) var position = 0

    init(_ values: [JSON]) { self.values = values }

    /// The next value; null where the browser sent none.
    mutating func next() -> JSON {
        defer { position += 1 }
        return position < values.count ? values[position] : .null
    }

    /// The value of the next dependency.
    mutating func read<D: Dependency>(_ dependency: D) throws -> D.Value {
        try dependency.read(from: &self)
    }
}

/// Reads one property, or several of one component as one value; shared by ``Input`` and ``State``.
struct PropertyReader<Value>: Sendable {
    let ref: PropertyRef
    /// The properties that are read beside the first.
    private let companions: [PropertyRef]
    /// Whether their changes run the callback too, where those of the first do.
    private let companionsRun: Bool
    private let convert: @Sendable (inout ArgumentReader) throws -> Value

    init(
        ref: PropertyRef,
        companions: [PropertyRef],
        companionsRun: Bool,
        convert: @escaping @Sendable (inout ArgumentReader) throws -> Value
    ) {
        self.ref = ref
        self.companions = companions
        self.companionsRun = companionsRun
        self.convert = convert
    }

    init(ref: PropertyRef, convert: @escaping @Sendable (JSON) throws -> Value) {
        self.init(ref: ref, companions: [], companionsRun: false) { try convert($0.next()) }
    }

    init(_ property: Prop<Value>) {
        self.init(ref: PropertyRef(property), convert: property.read)
    }

    func slots(isState: Bool, isOptional: Bool) -> [Slot] {
        let others = companions.map { Slot(ref: $0, isState: isState || !companionsRun, isOptional: isOptional) }
        return [Slot(ref: ref, isState: isState, isOptional: isOptional)] + others
    }

    func read(from arguments: inout ArgumentReader) throws -> Value {
        do {
            return try convert(&arguments)
        } catch let error as DashError where error.code != .typeMismatch {
            throw error
        } catch {
            throw DashError(.typeMismatch, "\(ref.text) is not what the callback takes.", cause: error)
        }
    }
}

/// One property of one component, or of those a pattern stands for.
package struct PropertyRef: Sendable, Hashable, CustomStringConvertible {
    /// The component.
    package var id: ComponentID
    /// The property's name in the browser, without the `@…` that tells duplicate outputs apart.
    package var property: String

    /// A property of a component.
    package init(id: ComponentID, property: String) {
        self.id = id
        self.property = property
    }

    /// `id.property`, the browser's key.
    package var text: String { "\(id.text).\(property)" }

    package var description: String { text }
}

extension PropertyRef {
    package init<Value>(_ property: Prop<Value>) {
        self.init(id: property.id, property: property.name)
    }

    /// Reads `id.property`; the last dot is the one between the two, as pattern ids may hold dots.
    package init?(text: String) {
        guard let dot = text.lastIndex(of: "."), let id = try? ComponentID(text: String(text[..<dot])) else {
            return nil
        }
        self.init(id: id, property: String(text[text.index(after: dot)...]))
    }

    /// True if `other`, of a real component, is this property or one it stands for.
    func stands(for other: PropertyRef) -> Bool {
        property == other.property && id.stands(for: other.id)
    }
}

/// One input or state of a callback.
public struct Slot: Sendable, Hashable {
    let ref: PropertyRef
    /// True for a state, whose changes run nothing.
    let isState: Bool
    /// True if the callback also runs without the component; the value is null then.
    let isOptional: Bool
}

/// One output of a callback.
public struct OutputSlot: Sendable, Hashable {
    let ref: PropertyRef
    /// True if other callbacks may have the same output.
    let allowDuplicate: Bool
    /// True if the values are lists of one value for each component that the id stands for.
    var isList = false
}
