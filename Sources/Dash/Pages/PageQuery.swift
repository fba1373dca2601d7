import Foundation

/// What stands behind the `?` of a page's address: names with one value or several.
///
/// ```swift
/// app.page("/search") { visit in
///     html.P("“\(visit.query["words"] ?? "")” in \(visit.query.values(of: "place").joined(separator: " and "))")
/// }
/// ```
public struct PageQuery: Sendable, Hashable {
    private struct Item: Sendable, Hashable {
        let name: String
        let value: String
    }

    private let items: [Item]

    /// Reads the text behind the `?`, with or without the `?`. A name without a value has an empty one.
    public init(_ text: String = "") {
        items = text.drop { $0 == "?" }.split(separator: "&").map { part in
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return Item(name: Self.decoded(pair[0]), value: pair.count > 1 ? Self.decoded(pair[1]) : "")
        }
    }

    /// The names in the order of the address, each once.
    public var names: [String] {
        var seen: Set<String> = []
        return items.map(\.name).filter { seen.insert($0).inserted }
    }

    /// The value of a name; of a repeated name the first, `nil` for a name that is not there.
    public subscript(name: String) -> String? { items.first { $0.name == name }?.value }

    /// All values of a name, in the order of the address.
    public func values(of name: String) -> [String] { items.filter { $0.name == name }.map(\.value) }

    /// Whether there is nothing.
    public var isEmpty: Bool { items.isEmpty }

    private static func decoded(_ text: Substring) -> String {
        let spaced = text.replacing("+", with: " ")
        return spaced.removingPercentEncoding ?? String(spaced)
    }
}
