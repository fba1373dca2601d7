public import ServiceLifecycle

/// Small things that all web servers of one site share, so that a page may be answered by any of them.
///
/// Names are chosen by the caller. A service: `run()` must run for holders to be noted and releases to come. Whatever
/// throws throws `JobsError.storage`.
public protocol JobFleet: Service {
    /// Puts a value in a place of a group, unless it comes late: after a value of the same place, or a mark, of a higher
    /// order. A value without an order is never late. One atomic step.
    ///
    /// - Parameters:
    ///   - place: The place.
    ///   - group: The place's group.
    ///   - value: The value and its order.
    ///   - marks: Names of marks of the group that the value must not come after; see ``mark(_:in:with:)``.
    ///   - lifetime: A group that nobody touches for so long is forgotten.
    /// - Returns: what became of the value.
    func replace(
        _ place: String,
        in group: String,
        with value: FleetValue,
        marks: Set<String>,
        lifetime: Duration
    ) async throws -> FleetPlacing

    /// The values of a group by their places.
    func values(in group: String) async throws -> [String: FleetValue]

    /// Empties a place if it still holds a value. The value's order is remembered as a mark is, so that an older one which
    /// comes afterwards is late.
    ///
    /// - Returns: whether it did.
    @discardableResult
    func remove(_ place: String, in group: String, ifStill text: String) async throws -> Bool

    /// Raises marks of a group to an order: values of a lower one which name them are late from now on. A mark is
    /// remembered for longer than any request is on its way, and so many of them only that a page can fill no memory.
    ///
    /// - Parameters:
    ///   - names: The marks; they need no other beginning.
    ///   - group: Their group.
    ///   - order: Their order; a mark that is higher stays as it is.
    func mark(_ names: Set<String>, in group: String, with order: Int) async throws

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
