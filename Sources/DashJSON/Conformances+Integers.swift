extension JSONEncodable where Self: FixedWidthInteger {
    /// The number as a value; above `Int.max` the nearest double.
    public var json: JSON {
        Int(exactly: self).map(JSON.int) ?? .double(Double(self))
    }

    /// Writes all digits.
    public func encode(to writer: inout JSONWriter) {
        if self < 0 { writer.byte(UInt8(ascii: "-")) }
        writer.digits(of: UInt64(magnitude))
    }
}

extension JSONDecodable where Self: FixedWidthInteger {
    /// Reads a number without fraction that fits; `1.0` counts as 1.
    public init(json: JSON) throws {
        let value: Self? =
            switch json {
            case .int(let int): Self(exactly: int)
            case .double(let double): Self(exactly: double)
            default: nil
            }
        guard let value else {
            throw JSONError.mismatch(expected: "an integer from \(Self.min) to \(Self.max)", found: json)
        }
        self = value
    }
}

extension Int: JSONConvertible {}
extension Int8: JSONConvertible {}
extension Int16: JSONConvertible {}
extension Int32: JSONConvertible {}
extension Int64: JSONConvertible {}
extension UInt: JSONConvertible {}
extension UInt8: JSONConvertible {}
extension UInt16: JSONConvertible {}
extension UInt32: JSONConvertible {}
extension UInt64: JSONConvertible {}
