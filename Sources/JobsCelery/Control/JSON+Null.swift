import DashJSON

extension JSON {
    /// A text, or null.
    static func string(orNull text: String?) -> JSON {
        text.map { .string($0) } ?? .null
    }

    /// A whole number, or null.
    static func int(orNull number: Int?) -> JSON {
        number.map { .int($0) } ?? .null
    }

    /// A number, or null.
    static func double(orNull number: Double?) -> JSON {
        number.map { .double($0) } ?? .null
    }
}
