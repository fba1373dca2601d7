import DashJSON
import Synchronization

/// Where an app is served, as far as that is known: links are made before the app is mounted, and written after.
final class PagePlace: Sendable {
    private struct State {
        var path = "/"
        var prefix = "/"
    }

    private let state = Mutex(State())

    /// - Parameters:
    ///   - path: Where the app is mounted.
    ///   - prefix: The same as the browser sees it, behind a proxy that adds a prefix.
    func settle(path: String, prefix: String) {
        state.withLock { $0 = State(path: path, prefix: prefix) }
    }

    /// A path below the app's own, as the browser needs it.
    func address(of path: String) -> String {
        state.withLock { $0.prefix } + path.drop { $0 == "/" }
    }

    /// The path below the app's own that an address of the browser stands for, whether a proxy adds a prefix or not.
    func path(of address: String) -> String {
        let known = state.withLock { $0 }
        // The prefix itself may come without its last slash.
        let full = address.hasSuffix("/") ? address : address + "/"
        let prefix = [known.prefix, known.path].first { full.hasPrefix($0) } ?? "/"
        let rest = full.hasPrefix(prefix) ? full.dropFirst(prefix.count) : full[...]
        return "/" + rest.split(separator: "/").joined(separator: "/")
    }

    /// A `dcc.Link` whose address is made when it is written.
    func link(_ children: any Renderable, to path: String, className: String?) -> Element {
        var builder = ElementBuilder("dash_core_components", "Link")
        builder.children(children)
        builder.set("href", PageAddress(path: path, place: self))
        builder.set("className", className)
        return builder.finish()
    }
}

/// The address of a page, made when it is written.
private struct PageAddress: JSONEncodable {
    let path: String
    let place: PagePlace

    func encode(to writer: inout JSONWriter) { writer.string(place.address(of: path)) }
}
