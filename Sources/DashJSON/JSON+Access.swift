// Rounding is part of the C library for mathematics on Linux; importing it links it.
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

extension JSON {
    /// The member `key` of an object; `null` if there is none or this is no object.
    ///
    /// Setting makes an object of whatever was here before. Setting `null` stores a member that is `null`; use
    /// `JSONObject`'s own subscript to remove one.
    public subscript(key: String) -> JSON {
        get {
            guard case .object(let object) = self else { return .null }
            return object[key] ?? .null
        }
        set {
            var object = takeObject()
            object[key] = newValue
            self = .object(object)
        }
    }

    /// The element at `index` of an array; `null` if there is none or this is no array.
    public subscript(index: Int) -> JSON {
        guard case .array(let array) = self, array.indices.contains(index) else { return .null }
        return array[index]
    }

    /// Whether this is `null`.
    public var isNull: Bool {
        if case .null = self { true } else { false }
    }

    /// The text if this is one.
    public var stringValue: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The number if this is one without fraction that fits into `Int`; `1.0` counts.
    public var intValue: Int? {
        switch self {
        case .int(let value): value
        case .double(let value): Int(exactly: value)
        default: nil
        }
    }

    /// The number if this is one, rounded to the nearest double.
    public var doubleValue: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    /// The truth value if this is one; numbers and texts are not.
    public var boolValue: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The elements if this is an array.
    public var arrayValue: [JSON]? {
        if case .array(let value) = self { value } else { nil }
    }

    /// The members if this is an object.
    public var objectValue: JSONObject? {
        if case .object(let value) = self { value } else { nil }
    }

    /// The object here, leaving `null`, so that the object can be changed without being copied.
    private mutating func takeObject() -> JSONObject {
        guard case .object(let object) = self else { return JSONObject() }
        self = .null
        return object
    }
}
