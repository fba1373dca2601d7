import DashJSON

/// A list of values in which some stay as they are, as it travels: these are the mark that stock Dash uses too, so that
/// workers in Python can send it.
enum UpdateList {
    private static let mark: JSON = ["_dash_no_update": "_dash_no_update"]
    private static let markBytes = mark.serialized()

    /// The list's JSON.
    ///
    /// - Parameter encode: Gives the JSON of a list of this one value.
    static func encoded<Value>(_ updates: [Update<Value>], _ encode: (Value) -> RawJSON) -> RawJSON {
        var writer = JSONWriter()
        writer.byte(UInt8(ascii: "["))
        for (index, update) in updates.enumerated() {
            if index > 0 { writer.byte(UInt8(ascii: ",")) }
            switch update {
            case .set(let value): writer.raw(bytes: encode(value).bytes.dropFirst().dropLast())
            case .patch(let patch): patch.encode(to: &writer)
            case .skip: writer.raw(bytes: markBytes)
            }
        }
        writer.byte(UInt8(ascii: "]"))
        return RawJSON(unchecked: writer.bytes)
    }

    /// Whether a value says that the output stays as it is.
    static func isSkip(_ value: RawJSON) -> Bool { value.bytes == markBytes }

    /// The values for a list of components; `nil` for those that stay as they are.
    ///
    /// - Throws: ``DashError`` with code `wrong-result` if there are more or fewer values than components.
    static func values(_ value: RawJSON, count: Int, output: PropertyRef) throws -> [JSON?] {
        let values = value.json.arrayValue
        guard let values, values.count == count else {
            throw DashError(
                .wrongResult,
                """
                \(output) stands for \(count) components now, but the callback returned \
                \(values.map { "\($0.count) values" } ?? "no list"): return one value for each, in the order of ctx.outputsGrouping.
                """
            )
        }
        return values.map { $0 == mark ? JSON?.none : $0 }
    }
}
