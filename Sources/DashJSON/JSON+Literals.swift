extension JSON: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    /// `nil` is `null`.
    public init(nilLiteral: ()) { self = .null }

    /// `true` or `false`.
    public init(booleanLiteral value: Bool) { self = .bool(value) }

    /// `3`
    public init(integerLiteral value: Int) { self = .int(value) }

    /// `3.5`
    public init(floatLiteral value: Double) { self = .double(value) }

    /// `"text"` and `"text with \(interpolation)"`
    public init(stringLiteral value: String) { self = .string(value) }

    /// `[1, "two", nil]`
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }

    /// `["name": 1]`; members keep the order written, and of two members of one name the last wins.
    public init(dictionaryLiteral elements: (String, JSON)...) { self = .object(JSONObject(elements)) }
}
