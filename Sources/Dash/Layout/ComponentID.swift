public import DashJSON

/// The id of a component: a name, or a pattern of keys and values.
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

    /// Creates an id from a name. A name with a dot or a brace is reported when the app starts.
    public init(_ name: String) { form = .plain(name) }

    /// Creates a pattern id; the order of the keys does not matter.
    public init(pattern: [String: IDValue]) { form = .pattern(pattern) }

    /// The id as text, the browser's key: the name, or the pattern as JSON with sorted keys.
    ///
    /// A dot inside a pattern is written `\u002e`, because the browser splits texts like `id.property` at dots. Dash in
    /// Python writes `\.`, which is invalid JSON.
    public var text: String {
        switch form {
        case .plain(let name): name
        case .pattern: String(decoding: json.serialized().flatMap(Self.dotEscaped), as: UTF8.self)
        }
    }

    /// The value of a component's `id` property: a string, or an object with sorted keys.
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
    /// Creates a plain id.
    public init(stringLiteral value: String) { self.init(value) }

    /// Creates a pattern id; the last value of a repeated key wins.
    public init(dictionaryLiteral elements: (String, IDValue)...) {
        self.init(pattern: Dictionary(elements, uniquingKeysWith: { $1 }))
    }

    /// The same as ``text``.
    public var description: String { text }
}

extension ComponentID: JSONEncodable, JSONDecodable {
    /// Writes ``json``.
    public func encode(to writer: inout JSONWriter) { json.encode(to: &writer) }

    /// Decodes a string, or an object of constants and wildcards.
    ///
    /// - Throws: ``DashError`` with code `invalid-id` for anything else.
    public init(json: JSON) throws {
        switch json {
        case .string(let name): self.init(name)
        case .object(let object): self.init(pattern: try Self.members(of: object))
        default: throw DashError.invalidID(json)
        }
    }

    /// Parses the text form of an id: a text that starts with a brace is a pattern, any other a name.
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
    /// The members of a pattern id; empty for a plain id.
    package var members: [String: IDValue] {
        if case .pattern(let members) = form { members } else { [:] }
    }

    /// Whether a value is a wildcard.
    package var hasWildcard: Bool { members.values.contains { $0.wildcardName != nil } }

    /// Whether the id stands for a list of components (`all` or `allSmaller`).
    package var standsForList: Bool { members.values.contains(where: \.standsForList) }

    /// The keys whose value is `match`.
    package var matchKeys: Set<String> { Set(members.filter { $0.value == .match }.keys) }

    /// The id with each `match` replaced by the value of its key, if there is one.
    func matched(by values: [String: IDValue]) -> ComponentID {
        guard !matchKeys.isEmpty else { return self }
        let matched = members.map { key, value in (key, value == .match ? values[key] ?? value : value) }
        return ComponentID(pattern: Dictionary(uniqueKeysWithValues: matched))
    }

    /// Whether `other`, the id of a real component, equals this id or matches this pattern.
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
    /// Whether one component may match both ids.
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

/// Components whose pattern ids differ only in an index: `let remove = html.Button.family("remove")`.
///
/// Their ids are `["type": "remove", "index": …]`: `remove[3]` is one component, ``match`` runs the callback for each,
/// ``all`` is the list of all.
public struct IDFamily<Ref: ComponentRef>: Sendable, Hashable {
    let type: String

    /// Creates the family of components whose id has this `type`.
    public init(_ type: String) { self.type = type }

    /// The component with an index.
    public subscript(index: Int) -> Ref { member(.int(index)) }

    /// The component with an index.
    public subscript(index: String) -> Ref { member(.string(index)) }

    /// The component with an index of another type, or the components of a wildcard: `cell[.bool(true)]`.
    public subscript(index: IDValue) -> Ref { member(index) }

    /// One call of the callback for each component: Dash's `MATCH`.
    public var match: Ref { member(.match) }

    /// All components of the family, with lists as property values: Dash's `ALL`.
    public var all: AllOf<Ref> { AllOf(member(.all)) }

    /// The components with a smaller index than the outputs' ``match``: Dash's `ALLSMALLER`.
    public var allSmaller: AllOf<Ref> { AllOf(member(.allSmaller)) }

    /// All components of the family, with one common value, for `running:`, `progress:` and
    /// ``setProps(_:_:)-(_,Value)``: `.set(remove.every.disabled, to: true, finally: false)`.
    public var every: Ref { member(.all) }

    /// The components with a smaller index than the outputs' ``match``, with one common value.
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

    /// The property's values as a list, in page order.
    public subscript<Value>(dynamicMember property: KeyPath<Ref, Prop<Value>>) -> Prop<[Value]> {
        ref[keyPath: property].all
    }
}

extension ComponentRef {
    /// The components that match a pattern with ``IDValue/all`` or ``IDValue/allSmaller``, with lists as property
    /// values: `html.Button.id(["row": .all, "kind": "stop"]).all.nClicks` is a `Prop<[Int?]>`.
    public var all: AllOf<Self> { AllOf(self) }
}

/// One value of a pattern id: a constant or a wildcard.
public enum IDValue: Sendable, Hashable {
    /// A string.
    case string(String)
    /// An integer.
    case int(Int)
    /// A floating-point number.
    case double(Double)
    /// A Boolean.
    case bool(Bool)
    /// One call for each component whose id has this shape.
    case match
    /// All components whose id has this shape, as a list.
    case all
    /// All components whose value is smaller than that of the outputs' `match`.
    case allSmaller

    /// The wildcard's name in the browser; `nil` for a constant.
    package var wildcardName: String? {
        switch self {
        case .match: "MATCH"
        case .all: "ALL"
        case .allSmaller: "ALLSMALLER"
        case .string, .int, .double, .bool: nil
        }
    }

    /// Whether it is a wildcard that stands for a list of components.
    package var standsForList: Bool { self == .all || self == .allSmaller }

    /// The value in a component's id, or the wildcard as a list with its name, as the browser writes it.
    package var json: JSON {
        switch self {
        case .string(let value): .string(value)
        case .int(let value): .int(value)
        case .double(let value): Int(exactly: value).map(JSON.int) ?? .double(value)
        case .bool(let value): .bool(value)
        case .match, .all, .allSmaller: .array([.string(wildcardName ?? "")])
        }
    }

    /// Decodes ``json``; `nil` for anything else.
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
    /// Creates a string.
    public init(stringLiteral value: String) { self = .string(value) }
    /// Creates an integer.
    public init(integerLiteral value: Int) { self = .int(value) }
    /// Creates a Boolean.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
}
