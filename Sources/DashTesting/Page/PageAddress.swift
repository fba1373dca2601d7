import Dash
import DashJSON

/// The address that a page's browser shows.
public struct PageAddress: Sendable, Hashable, CustomStringConvertible {
    /// Scheme and host of every site under test.
    public static let origin = "http://localhost"

    /// The path, with its first slash.
    public var pathname: String
    /// The query with its question mark; empty if there is none.
    public var search: String
    /// The fragment with its `#`; empty if there is none.
    public var hash: String

    /// Reads a path with query and fragment, `/reports/?year=2026#top`, or the same with ``origin`` before it.
    ///
    /// - Parameter text: The address; of another site only its path counts.
    public init(_ text: String) {
        var rest = text[...]
        if let scheme = rest.firstRange(of: "://") {
            let host = rest[scheme.upperBound...]
            rest = host.firstIndex { "/?#".contains($0) }.map { host[$0...] } ?? ""
        }
        let fragment = rest.firstIndex(of: "#") ?? rest.endIndex
        let query = rest[..<fragment].firstIndex(of: "?") ?? fragment
        pathname = rest[..<query].isEmpty ? "/" : String(rest[..<query])
        search = rest[query..<fragment] == "?" ? "" : String(rest[query..<fragment])
        hash = rest[fragment...] == "#" ? "" : String(rest[fragment...])
    }

    /// The whole address.
    public var href: String { Self.origin + description }

    /// Path, query and fragment.
    public var description: String { pathname + search + hash }

    /// What a component of type `Location` has of the address, in the order in which it tells it.
    var properties: [(name: String, value: JSON)] {
        [
            ("pathname", .string(pathname)), ("href", .string(href)), ("hash", .string(hash)),
            ("search", .string(search)),
        ]
    }

    /// This address with one of these properties changed.
    func setting(_ property: String, to value: String) -> PageAddress {
        var location = self
        switch property {
        case "pathname": location.pathname = value
        case "search": location.search = value
        case "hash": location.hash = value
        default: location = PageAddress(value)
        }
        return location
    }
}
