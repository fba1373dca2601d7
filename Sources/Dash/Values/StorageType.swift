public import DashJSON

/// Where a `dcc.Store` keeps its data: `dcc.Store(id: cart, storageType: .local)`.
///
/// A store in `local` or `session` brings its data back after a reload: it sets `data` and `modified_timestamp`, and so
/// runs the callbacks that have one of them as an input. To see what was restored on the first call too, take
/// `modifiedTimestamp` (milliseconds since 1970; -1 while nothing was stored) as the input and `data` as a ``State``.
public enum StorageType: String, Sendable, Hashable, CaseIterable, JSONConvertible {
    /// In the page: a reload empties it.
    case memory
    /// In the browser, for all tabs, until it is cleared.
    case local
    /// In the tab: a reload keeps it, closing the tab empties it.
    case session

    /// Reads the name.
    ///
    /// - Throws: ``DashError`` with code `type-mismatch` for anything else.
    public init(json: JSON) throws {
        guard let type = json.stringValue.flatMap(Self.init(rawValue:)) else {
            throw DashError.typeMismatch(StorageType.self, json)
        }
        self = type
    }

    /// Writes the name.
    public func encode(to writer: inout JSONWriter) { writer.string(rawValue) }
}
