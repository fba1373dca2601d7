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
