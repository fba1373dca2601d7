import DashJSON

/// A value that a callback reads: an ``Input`` or a ``State``.
public protocol Dependency: Sendable {
    /// The type of the closure's argument.
    associatedtype Value

    /// The properties it reads, in order.
    var slots: [Slot] { get }

    /// Reads the next values, one for each slot.
    ///
    /// - Throws: ``DashError`` with code `type-mismatch` for a value of another type.
    func read(from arguments: inout ArgumentReader) throws -> Value
}

/// Reads the values of a request, in the order of the callback's slots.
public struct ArgumentReader: Sendable {
    private let values: [JSON]
    /// The number of values read.
    private(set) var position = 0

    init(_ values: [JSON]) { self.values = values }

    /// The next value; null if the browser sent none.
    mutating func next() -> JSON {
        defer { position += 1 }
        return position < values.count ? values[position] : .null
    }

    mutating func read<D: Dependency>(_ dependency: D) throws -> D.Value {
        try dependency.read(from: &self)
    }
}

/// Reads one property, or several of one component as one value; shared by ``Input`` and ``State``.
struct PropertyReader<Value>: Sendable {
    let ref: PropertyRef
    /// The properties read beside the first.
    private let companions: [PropertyRef]
    /// Whether changes of the companions run the callback, if those of the first do.
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
            throw DashError(
                .typeMismatch,
                "The value of \(ref.text) has another type than the callback expects.",
                cause: error
            )
        }
    }
}

/// One property of one component, or of those that match a pattern.
package struct PropertyRef: Sendable, Hashable, CustomStringConvertible {
    package var id: ComponentID
    /// The property's name in the browser, without the `@…` that distinguishes duplicate outputs.
    package var property: String

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

    /// Parses `id.property`. The last dot separates the two, as pattern ids may contain dots.
    package init?(text: String) {
        guard let dot = text.lastIndex(of: "."), let id = try? ComponentID(text: String(text[..<dot])) else {
            return nil
        }
        self.init(id: id, property: String(text[text.index(after: dot)...]))
    }

    /// Whether `other`, of a real component, is this property or matches its pattern.
    func stands(for other: PropertyRef) -> Bool {
        property == other.property && id.stands(for: other.id)
    }

    /// Decodes ``entry``, without the `@…` of a duplicate output.
    init?(entry json: JSON) {
        guard let id = try? ComponentID(json: json["id"]), let property = json["property"].stringValue else {
            return nil
        }
        self.init(id: id, property: String(property.prefix { $0 != "@" }))
    }

    /// Whether one property of one component may match both.
    func overlaps(_ other: PropertyRef) -> Bool { property == other.property && id.overlaps(other.id) }

    /// `{"id": …, "property": …}`, with a pattern id as an object.
    package var entry: JSON { ["id": id.json, "property": .string(property)] }

    /// The property without the `@…` of a duplicate output.
    package var plainProperty: String { String(property.prefix { $0 != "@" }) }
}

/// One input or state of a callback.
public struct Slot: Sendable, Hashable {
    let ref: PropertyRef
    /// Whether it is a state, whose changes run nothing.
    let isState: Bool
    /// Whether the callback also runs without the component; the value is then null.
    let isOptional: Bool
}

/// One output of a callback.
public struct OutputSlot: Sendable, Hashable {
    let ref: PropertyRef
    /// Whether other callbacks may have the same output.
    let allowDuplicate: Bool
    /// Whether the values are lists with one value for each component that matches the id.
    var isList = false
}
