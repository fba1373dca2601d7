import DashJSON
import Synchronization

/// A user's browser: its cookies and local storage.
final class TestBrowser: Sendable {
    private struct State {
        var cookies: [String: String]
        var storage: [String: JSON] = [:]
    }

    private let headers: [String: String]
    private let state: Mutex<State>

    init(cookies: [String: String], headers: [String: String]) {
        self.headers = headers
        state = Mutex(State(cookies: cookies))
    }

    var cookies: [String: String] {
        get { state.withLock { $0.cookies } }
        set { state.withLock { $0.cookies = newValue } }
    }

    /// The data of each `dcc.Store` with `storage_type="local"`.
    var storage: [String: JSON] {
        get { state.withLock { $0.storage } }
        set { state.withLock { $0.storage = newValue } }
    }

    /// The headers of a request.
    ///
    /// - Parameter more: Additional headers of this request.
    func headers(_ more: [(name: String, value: String)]) -> [(name: String, value: String)] {
        let cookies = cookies.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: "; ")
        return more + headers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
            + (cookies.isEmpty ? [] : [("cookie", cookies)])
    }

    /// Stores the cookies of a response; removes those with `Max-Age=0`.
    func take(_ headers: [(name: String, value: String)]) {
        for header in headers where header.name == "set-cookie" {
            let parts = header.value.split(separator: ";").map { $0.drop { $0 == " " } }
            guard let pair = parts.first, let equals = pair.firstIndex(of: "=") else { continue }
            let isOver = parts.dropFirst().contains { $0.lowercased() == "max-age=0" }
            let value = String(pair[pair.index(after: equals)...])
            state.withLock { $0.cookies[String(pair[..<equals])] = isOver ? nil : value }
        }
    }
}
