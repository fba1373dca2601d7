public import ServiceLifecycle

/// Small things that all web servers of one site share, so that a page may be answered by any of them.
///
/// Names are chosen by the caller. A service: `run()` must run for holders to be noted and releases to come. Whatever
/// throws throws `JobsError.storage`.
public protocol JobFleet: Service {
    /// Puts a value in a place of a group and returns the one that was there. A group that nobody touches for `lifetime`
    /// is forgotten.
    func replace(_ place: String, in group: String, with value: String, lifetime: Duration) async throws -> String?

    /// The values of a group by their places.
    func values(in group: String) async throws -> [String: String]

    /// Empties a place if it still holds a value.
    ///
    /// - Returns: whether it did.
    @discardableResult
    func remove(_ place: String, in group: String, ifStill value: String) async throws -> Bool

    /// Does something once for all servers, and keeps what it made: whoever asks later, or meanwhile, gets the same.
    ///
    /// What is made counts from when it is there; a server that dies while it makes it is followed by another.
    ///
    /// - Parameters:
    ///   - name: Names what is made.
    ///   - lifetime: How long it is kept.
    ///   - make: Makes it. What it throws is thrown to this caller alone, and the next one tries again.
    func once(
        _ name: String,
        lifetime: Duration,
        _ make: @Sendable () async throws -> [UInt8]
    ) async throws -> [UInt8]

    /// Begins a pause of a name, which ends by itself.
    func pause(_ name: String, for duration: Duration) async throws

    /// How long the pause of a name goes on; nil when there is none.
    func rest(ofPause name: String) async throws -> Duration?

    /// Notes somebody who holds something, a poll: of one group only `limit` may hold at once. The oldest beyond it are
    /// told to let go by ``releases()`` of their own server. Best effort.
    func hold(_ holder: String, in group: String, limit: Int)

    /// Forgets a holder.
    func letGo(_ holder: String, in group: String)

    /// The holders of this server that have to let go for others. Ends with the service; one listener.
    func releases() -> AsyncStream<String>
}
