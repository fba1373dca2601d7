/// Small things that all web servers of one site share, so that a page may be answered by any of them.
///
/// Names are chosen by the caller. Everything is forgotten after `lifetime` without use.
public protocol JobFleet: Sendable {
    /// Puts a value in a place of a group and returns the one that was there.
    func replace(_ place: String, in group: String, with value: String, lifetime: Duration) async throws -> String?

    /// The value in a place, or nil.
    func value(of place: String, in group: String) async throws -> String?

    /// Empties a place if it still holds a value.
    func remove(_ place: String, in group: String, ifStill value: String) async throws

    /// Empties the places of a group whose names are given and returns what they held.
    func take(_ places: [String], in group: String) async throws -> [String]

    /// The names of the places of a group.
    func places(in group: String) async throws -> [String]

    /// Notes somebody who holds something, for example a poll; `limit` may hold at once.
    ///
    /// - Returns: the oldest that are too many and have to let go. All servers are told by ``releases()``.
    func hold(_ holder: String, in group: String, limit: Int, lifetime: Duration) async throws

    /// Forgets a holder.
    func letGo(_ holder: String, in group: String) async throws

    /// The holders that have to let go, of all groups.
    func releases() -> AsyncStream<String>
}
