import DashJSON

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
