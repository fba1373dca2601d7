/// A `Codable` type for properties: stored data, inputs and outputs of callbacks.
///
/// ```swift
/// struct Cart: JSONCodable { var items: [String] = [] }
/// let cart = dcc.Store.id("cart")
/// app.callback(Output(cart.data.as(Cart.self)), Input(add.nClicks), State(cart.data.as(Cart?.self))) { _, cart in
///     Cart(items: (cart?.items ?? []) + ["apple"])
/// }
/// ```
///
/// The conformance needs no further code. If `encode(to:)` throws, `null` is written and the writer keeps the error
/// (``JSONWriter/failure``): a callback that returns such a value fails.
public protocol JSONCodable: Codable, JSONEncodable, JSONDecodable {}

extension JSONCodable {
    /// Decodes the form of ``json``.
    public init(json: JSON) throws { self = try json.decoded() }

    /// The value as a tree; `null` if it cannot be encoded.
    public var json: JSON { (try? JSON(encoding: self)) ?? .null }

    /// Writes the value; `null` if it cannot be encoded.
    public func encode(to writer: inout JSONWriter) {
        do {
            try JSON(encoding: self).encode(to: &writer)
        } catch {
            writer.fail(error)
        }
    }
}

/// Values with a direct JSON form: strings, numbers, Booleans, and JSON itself.
protocol JSONLeaf: JSONEncodable, JSONDecodable {}

extension String: JSONLeaf {}
extension Bool: JSONLeaf {}
extension Double: JSONLeaf {}
extension Float: JSONLeaf {}
extension Int: JSONLeaf {}
extension Int8: JSONLeaf {}
extension Int16: JSONLeaf {}
extension Int32: JSONLeaf {}
extension Int64: JSONLeaf {}
extension UInt: JSONLeaf {}
extension UInt8: JSONLeaf {}
extension UInt16: JSONLeaf {}
extension UInt32: JSONLeaf {}
extension UInt64: JSONLeaf {}

struct MemberKey: CodingKey {
    let name: String

    init(name: String) { self.name = name }
    init?(stringValue: String) { name = stringValue }
    init?(intValue: Int) { name = "\(intValue)" }

    var stringValue: String { name }
    var intValue: Int? { nil }
}
