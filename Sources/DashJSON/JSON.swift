/// A JSON value: the form in which properties, arguments and results travel between page, server and worker.
///
/// Literals make constants: `let style: JSON = ["color": "red", "width": 3]`. Values of other types become JSON by
/// `JSON(value)` or `value.json`.
///
/// Two values are equal if they mean the same JSON: the order of an object's members does not matter and
/// `.int(1) == .double(1)`, because JavaScript has one kind of number and writes both as `1`.
public enum JSON: Sendable {
    /// `null`; also what a missing member reads as.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number written without fraction and exponent that fits into `Int`.
    case int(Int)
    /// Any other number. NaN and the infinities are written as `null`.
    case double(Double)
    /// A text.
    case string(String)
    /// Values in order.
    case array([JSON])
    /// Named members in order.
    case object(JSONObject)

    /// Makes JSON from any encodable value: `JSON([1, 2])`.
    public init(_ value: some JSONEncodable) {
        self = value.json
    }
}

extension JSON: CustomStringConvertible {
    /// The value's JSON text.
    public var description: String { text }
}
