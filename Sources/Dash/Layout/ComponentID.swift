public import DashJSON

/// The id of a component on the page: a name, or a pattern of keys and values.
///
/// ```swift
/// let plain: ComponentID = "chart"
/// let cell: ComponentID = ["type": "cell", "row": 3]
/// let everyCell: ComponentID = ["type": "cell", "row": .all]
/// ```
public struct ComponentID: Sendable, Hashable {
    enum Form: Sendable, Hashable {
        case plain(String)
        case pattern([String: IDValue])
    }

    let form: Form

    /// An id that is a name. A name with a dot or a brace is reported when the app starts.
    public init(_ name: String) { form = .plain(name) }

    /// An id of several keys; the order of the keys does not matter.
    public init(pattern: [String: IDValue]) { form = .pattern(pattern) }

    /// The text form that the browser's side uses as a key: the name, or the pattern as JSON with sorted keys.
    ///
    /// A dot inside a pattern is written `\u002e`: the browser splits texts like `id.property` at dots, and stock Dash's
    /// own way (`\.`) is no JSON.
    public var text: String {
        switch form {
        case .plain(let name): name
        case .pattern: String(decoding: json.serialized().flatMap(Self.dotEscaped), as: UTF8.self)
        }
    }

    /// The id as the value a component's `id` property has: a string, or an object with sorted keys.
    public var json: JSON {
        switch form {
        case .plain(let name): .string(name)
        case .pattern(let members): .object(Self.object(members))
        }
    }

    private static func dotEscaped(_ byte: UInt8) -> [UInt8] {
        byte == UInt8(ascii: ".") ? Array(#"\u002e"#.utf8) : [byte]
    }

    private static func object(_ members: [String: IDValue]) -> JSONObject {
        var object = JSONObject()
        for (key, value) in members.sorted(by: { $0.key < $1.key }) { object.append(key, value.json) }
        return object
    }
}

extension ComponentID: ExpressibleByStringInterpolation, ExpressibleByDictionaryLiteral, CustomStringConvertible {
    /// A plain id.
    public init(stringLiteral value: String) { self.init(value) }

    /// A pattern id; the last value of a repeated key counts.
    public init(dictionaryLiteral elements: (String, IDValue)...) {
        self.init(pattern: Dictionary(elements, uniquingKeysWith: { $1 }))
    }

    /// The same as ``text``.
    public var description: String { text }
}

extension ComponentID: JSONEncodable, JSONDecodable {
    /// Writes what a component's `id` property has.
    public func encode(to writer: inout JSONWriter) { json.encode(to: &writer) }

    /// Reads a string or an object of constants and wildcards.
    ///
    /// - Throws: ``DashError`` with code `invalid-id` for anything else.
    public init(json: JSON) throws {
        switch json {
        case .string(let name): self.init(name)
        case .object(let object): self.init(pattern: try Self.members(of: object))
        default: throw DashError.invalidID(json)
        }
    }

    /// Reads the text form of an id: a text that starts with a brace is a pattern, any other a name.
    package init(text: String) throws {
        if text.hasPrefix("{") {
            try self.init(json: JSON(parsing: text))
        } else {
            self.init(text)
        }
    }

    private static func members(of object: JSONObject) throws -> [String: IDValue] {
        var members: [String: IDValue] = [:]
        for (key, value) in object {
            guard let value = IDValue(json: value) else { throw DashError.invalidID(.object(object)) }
            members[key] = value
        }
        return members
    }
}

// MARK: - Matching

extension ComponentID {
    /// The values of a pattern id; empty for a plain one.
    package var members: [String: IDValue] {
        if case .pattern(let members) = form { members } else { [:] }
    }

    /// True if a value is a wildcard.
    package var hasWildcard: Bool { members.values.contains { $0.wildcardName != nil } }

    /// True if the id stands for a list of components (`all` or `allSmaller`).
    package var standsForList: Bool { members.values.contains(where: \.standsForList) }

    /// The keys whose value is `match`.
    package var matchKeys: Set<String> { Set(members.filter { $0.value == .match }.keys) }

    /// The id with constants in the place of `match`, where there are any for its keys.
    func matched(by values: [String: IDValue]) -> ComponentID {
        guard !matchKeys.isEmpty else { return self }
        return ComponentID(
            pattern: Dictionary(
                uniqueKeysWithValues: members.map { key, value in
                    (key, value == .match ? values[key] ?? value : value)
                }
            )
        )
    }

    /// True if `other`, an id of a real component, is this id or one this pattern stands for.
    func stands(for other: ComponentID) -> Bool {
        guard case .pattern(let pattern) = form, case .pattern(let values) = other.form else { return self == other }
        guard pattern.count == values.count else { return false }
        return pattern.allSatisfy { key, value in
            guard let found = values[key], found.wildcardName == nil else { return false }
            return value.wildcardName != nil || value == found
        }
    }
}

// MARK: - Overlap

extension ComponentID {
    /// True if one component may be meant by both: they are equal, or patterns with the same keys whose constants do not
    /// tell them apart.
    func overlaps(_ other: ComponentID) -> Bool {
        guard case .pattern(let own) = form, case .pattern(let others) = other.form else { return self == other }
        guard own.count == others.count else { return false }
        return own.allSatisfy { key, value in
            guard let found = others[key] else { return false }
            return value == found || value.wildcardName != nil || found.wildcardName != nil
        }
    }

    /// The keys whose value is `allSmaller`.
    var allSmallerKeys: Set<String> { Set(members.filter { $0.value == .allSmaller }.keys) }
}

extension PropertyRef {
    /// True if one property of one component may be meant by both.
    func overlaps(_ other: PropertyRef) -> Bool { property == other.property && id.overlaps(other.id) }
}

/// Components that share a pattern id but for an index: `let remove = html.Button.family("remove")`.
///
/// Their ids are `["type": "remove", "index": …]`: `remove[3]` is one of them, ``match`` stands for one call each,
/// ``all`` for the list of all.
public struct IDFamily<Ref: ComponentRef>: Sendable, Hashable {
    let type: String

    /// The components whose id has this `type`.
    public init(_ type: String) { self.type = type }

    /// The component with this index.
    public subscript(index: Int) -> Ref { member(.int(index)) }

    /// The component with this index.
    public subscript(index: String) -> Ref { member(.string(index)) }

    /// The component with an index of another type, or those of a wildcard: `cell[.bool(true)]`.
    public subscript(index: IDValue) -> Ref { member(index) }

    /// One call of the callback for each component: Dash's `MATCH`.
    public var match: Ref { member(.match) }

    /// All components of the family, their properties as lists: Dash's `ALL`.
    public var all: AllOf<Ref> { AllOf(member(.all)) }

    /// The components with a smaller index than that of the outputs' ``match``: Dash's `ALLSMALLER`.
    public var allSmaller: AllOf<Ref> { AllOf(member(.allSmaller)) }

    /// All components of the family, with one value for every one of them: what `running:`, `progress:` and
    /// ``setProps(_:_:)-(_,Value)`` take, as in `.set(remove.every.disabled, to: true, finally: false)`.
    public var every: Ref { member(.all) }

    /// The components with a smaller index than that of the outputs' ``match``, with one value for every one of them.
    public var everySmaller: Ref { member(.allSmaller) }

    private func member(_ index: IDValue) -> Ref {
        Ref(ComponentID(pattern: ["type": .string(type), "index": index]))
    }
}

/// A list of components of one kind: `remove.all.nClicks` is a `Prop<[Int?]>`.
@dynamicMemberLookup
public struct AllOf<Ref: ComponentRef>: Sendable, Hashable {
    private let ref: Ref

    fileprivate init(_ ref: Ref) { self.ref = ref }

    /// The property of each of the components, as a list in the order of the page.
    public subscript<Value>(dynamicMember property: KeyPath<Ref, Prop<Value>>) -> Prop<[Value]> {
        ref[keyPath: property].all
    }
}

extension ComponentRef {
    /// The components that a pattern with ``IDValue/all`` or ``IDValue/allSmaller`` stands for, their properties as lists:
    /// `html.Button.id(["row": .all, "kind": "stop"]).all.nClicks` is a `Prop<[Int?]>`.
    public var all: AllOf<Self> { AllOf(self) }
}

/// One value of a pattern id: a constant, or a wildcard that stands for many.
public enum IDValue: Sendable, Hashable {
    /// A text constant.
    case string(String)
    /// A whole number.
    case int(Int)
    /// A number with a fraction.
    case double(Double)
    /// A truth value.
    case bool(Bool)
    /// One call for each component with an id of this shape.
    case match
    /// All components with an id of this shape, as a list.
    case all
    /// All components whose value is smaller than that of the `match` in the outputs.
    case allSmaller

    /// The word the browser knows the wildcard by; `nil` for a constant.
    package var wildcardName: String? {
        switch self {
        case .match: "MATCH"
        case .all: "ALL"
        case .allSmaller: "ALLSMALLER"
        case .string, .int, .double, .bool: nil
        }
    }

    /// True for the wildcards that stand for a list of components.
    package var standsForList: Bool { self == .all || self == .allSmaller }

    /// The value a component's own id carries, or the wildcard as a list of its name, as the browser writes it.
    package var json: JSON {
        switch self {
        case .string(let value): .string(value)
        case .int(let value): .int(value)
        case .double(let value): Int(exactly: value).map(JSON.int) ?? .double(value)
        case .bool(let value): .bool(value)
        case .match, .all, .allSmaller: .array([.string(wildcardName ?? "")])
        }
    }

    /// Reads what ``json`` writes; `nil` if it is no value of an id.
    package init?(json: JSON) {
        switch json {
        case .string(let value): self = .string(value)
        case .int(let value): self = .int(value)
        case .double(let value): self = Int(exactly: value).map(IDValue.int) ?? .double(value)
        case .bool(let value): self = .bool(value)
        case .array(let items) where items.count == 1: self.init(wildcard: items[0])
        case .array, .object, .null: return nil
        }
    }

    private init?(wildcard json: JSON) {
        switch json {
        case .string("MATCH"): self = .match
        case .string("ALL"): self = .all
        case .string("ALLSMALLER"): self = .allSmaller
        default: return nil
        }
    }
}

extension IDValue: ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
    /// A text constant.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A whole number.
    public init(integerLiteral value: Int) { self = .int(value) }
    /// A truth value.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
}
