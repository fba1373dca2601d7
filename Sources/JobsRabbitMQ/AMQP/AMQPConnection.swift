import CRabbitMQ
import CeleryProtocol
import Jobs
import JobsCelery
import Logging
import Support
import Synchronization

/// A RabbitMQ connection that reconnects automatically. A dedicated thread owns the socket and librabbitmq's state,
/// keeps up the heartbeat and serves the users of the channels. Connects when it is first used.
final class AMQPConnection: Sendable {
    fileprivate let url: AMQPURL
    fileprivate let name: String
    fileprivate let logger: Logger
    fileprivate let doorbell: AMQPWakeup
    private let state = Mutex(State())

    private struct State {
        /// To be made on the thread; the loop is nil if it has ended.
        var changes: [@Sendable (AMQPLoop?) -> Void] = []
        var hasEnded = false
    }

    /// - Parameters:
    ///   - name: The connection name that RabbitMQ shows.
    init(_ url: AMQPURL, name: String, logger: Logger) throws {
        self.url = url
        self.name = name
        self.logger = logger
        doorbell = try AMQPWakeup()
    }

    /// The requested heartbeat interval, in seconds; 0 for none.
    var heartbeat: Int { url.heartbeat }

    /// Stays connected until the task is cancelled or `stop()` is called. Returns when the thread has ended, which may
    /// take as long as a connection attempt in progress (`connect_timeout` of the address).
    func run() async throws {
        defer { end() }
        do {
            try await withTaskCancellationHandler {
                try await OwnThread.run { [self] in AMQPLoop(self).run() }
            } onCancel: {
                stop()
            }
        } catch let error as OwnThread.NoRoom {
            throw CeleryError(.unreachable, "No thread could be started for the connection to RabbitMQ.", cause: error)
        }
    }

    /// Completes the pending operations, then closes the connection permanently.
    func stop() {
        change { $0?.stop() }
    }

    /// Stops when no user keeps the connection any more.
    func finish() {
        change { $0?.finish() }
    }

    /// Wakes the thread to perform pending work of the users.
    func wake() { doorbell.ring() }

    /// Opens a channel for `user`, and reopens it after each loss. Has no effect if that was done.
    func attach(_ user: any AMQPChannelUser) {
        change { if let loop = $0 { loop.join(user) } else { user.ended() } }
    }

    /// Closes the user's channel after its pending work.
    func detach(_ user: any AMQPChannelUser, done: @escaping @Sendable () -> Void = {}) {
        change { loop in
            loop?.leave(user)
            done()
        }
    }

    /// Runs `body` on the thread, again if the connection is lost meanwhile.
    ///
    /// - Parameters:
    ///   - time: How long to wait for a connection, in milliseconds; the same in all calls.
    /// - Throws: `CeleryError`.
    func perform<Value: Sendable>(
        within time: Int64,
        _ body: @escaping @Sendable (AMQPSession) throws -> Value
    ) async throws -> Value {
        let deadline = AMQPClock.now + time
        return try await withCheckedThrowingContinuation { caller in
            let operation = { @Sendable (session: AMQPSession?) in
                do {
                    guard let session else { throw CeleryError(.unreachable, "Not connected to RabbitMQ.") }
                    caller.resume(returning: try body(session))
                } catch let closed as AMQPClosed where closed.channel == AMQPSession.scratchChannel {
                    caller.resume(throwing: closed.error)
                } catch let error as CeleryError {
                    caller.resume(throwing: error)
                }
            }
            change { if let loop = $0 { loop.add(operation, deadline) } else { try? operation(nil) } }
        }
    }

    private func change(_ body: @escaping @Sendable (AMQPLoop?) -> Void) {
        let hasEnded = state.withLock { state in
            if !state.hasEnded { state.changes.append(body) }
            return state.hasEnded
        }
        if hasEnded { body(nil) } else { doorbell.ring() }
    }

    /// The changes since the last call.
    fileprivate func takeChanges() -> [@Sendable (AMQPLoop?) -> Void] {
        state.withLock { state in
            defer { state.changes = [] }
            return state.changes
        }
    }

    private func end() {
        state.withLock { $0.hasEnded = true }
        for change in takeChanges() { change(nil) }
    }
}

/// The loop of a connection's thread: connects, serves the users of the channels, reconnects. Used on that thread only.
private final class AMQPLoop {
    private let connection: AMQPConnection
    private var session: AMQPSession?
    private var slots: [AMQPChannelSlot] = []
    /// Operations without a channel of their own, in order. Called with nil if their deadline passes without a session.
    private var operations: [(run: (AMQPSession?) throws -> Void, deadline: Int64)] = []
    private var backoff = Backoff.amqp
    private var isStopped = false
    private var isFinishing = false
    private var isLossLogged = false

    /// The most events received before pending work is performed.
    private static let eventsPerTurn = 512
    /// The timeout of closing the connection, in seconds.
    private static let farewell = 3

    init(_ connection: AMQPConnection) {
        self.connection = connection
    }

    func stop() { isStopped = true }

    func finish() { isFinishing = true }

    private var isStopping: Bool { isStopped || isFinishing && !slots.contains(where: \.user.keepsConnection) }

    func join(_ user: any AMQPChannelUser) {
        if !slots.contains(where: { $0.user === user }) { slots.append(AMQPChannelSlot(user, connection.logger)) }
    }

    func leave(_ user: any AMQPChannelUser) {
        if let place = slots.firstIndex(where: { $0.user === user }) { slots.remove(at: place).leave(session) }
        user.ended()
    }

    func add(_ operation: @escaping (AMQPSession?) throws -> Void, _ deadline: Int64) {
        operations.append((operation, deadline))
    }

    func run() {
        while true {
            takeChanges()
            if isStopping { break }
            if slots.isEmpty, operations.isEmpty { wait(until: nil) } else { connectAndServe() }
        }
        for slot in slots { slot.user.ended() }
        for operation in operations { try? operation.run(nil) }
    }

    private func connectAndServe() {
        do {
            let session = try AMQPSession(connection.url, name: connection.name, logger: connection.logger)
            self.session = session
            defer { self.session = nil }
            if isLossLogged { connection.logger.notice("Reconnected to RabbitMQ.", metadata: metadata) }
            isLossLogged = false
            backoff.reset()
            try serve(session)
            session.close(within: Self.farewell)
        } catch {
            lost((error as? AMQPClosed)?.error ?? (error as? CeleryError) ?? CeleryError(.connectionLost, "\(error)"))
            waitAfterFailure()
        }
    }

    private var metadata: Logger.Metadata { ["connection": "\(connection.name)", "broker": "\(connection.url)"] }

    private func lost(_ error: CeleryError) {
        if !isLossLogged { connection.logger.warning("\(error.message) Retrying.", metadata: metadata) }
        isLossLogged = true
        for slot in slots { slot.lost(error) }
    }

    /// Waits before the next connection attempt; deadlines that pass meanwhile are reported.
    private func waitAfterFailure() {
        let end = AMQPClock.now + backoff.next().wholeMilliseconds
        while !isStopping, AMQPClock.now < end {
            wait(until: end)
            takeChanges()
            for slot in slots { try? slot.user.work(on: nil) }
            try? performOperations()
        }
    }

    private func serve(_ session: AMQPSession) throws {
        var blocked: String?
        while true {
            takeChanges()
            for slot in slots { try slot.serve(on: session) }
            try performOperations()
            if isStopping { return try sayGoodbye(session) }
            let events = try receive(session)
            if session.blocked != blocked {
                blocked = session.blocked
                logBlocked(blocked)
            } else if events == 0 {
                // Without an event the next turn is the next check of the heartbeat.
                wait(until: session.heartbeat > 0 ? AMQPClock.now + Int64(session.heartbeat) * 250 : nil)
            }
        }
    }

    /// An operation during which the connection is lost waits for the next one.
    private func performOperations() throws {
        while let next = operations.first, session != nil || next.deadline <= AMQPClock.now {
            try next.run(session)
            operations.removeFirst()
        }
    }

    /// Delivers received events to their users; returns their number.
    private func receive(_ session: AMQPSession) throws -> Int {
        var count = 0
        while count < Self.eventsPerTurn {
            do {
                guard let (channel, event) = try session.nextEvent() else { break }
                slots.first { $0.number == channel }?.user.receive(event)
            } catch let closed as AMQPClosed where closed.channel != nil {
                slots.first { $0.number == closed.channel }?.fail(closed.error)
            }
            count += 1
        }
        return count
    }

    private func sayGoodbye(_ session: AMQPSession) throws {
        let end = AMQPClock.now + Int64(Self.farewell) * 1000
        while slots.contains(where: \.user.isBusy), AMQPClock.now < end {
            if try receive(session) == 0 { wait(until: end) }
            for slot in slots { try slot.serve(on: session) }
        }
    }

    private func logBlocked(_ blocked: String?) {
        if let blocked {
            connection.logger.warning("RabbitMQ does not accept messages at present: \(blocked)", metadata: metadata)
        } else {
            connection.logger.notice("RabbitMQ accepts messages again.", metadata: metadata)
        }
    }

    private func takeChanges() {
        connection.doorbell.hear()
        for change in connection.takeChanges() { change(self) }
    }

    /// Waits for a wakeup, an event, a deadline or the time.
    private func wait(until time: Int64?) {
        let next = (slots.map(\.deadline) + [operations.first?.deadline, time]).compactMap(\.self).min()
        let milliseconds = next.map { Int32(clamping: max(0, $0 - AMQPClock.now)) } ?? -1
        connection.doorbell.wait(orFor: session?.socket, milliseconds: milliseconds)
    }
}

/// Wakes a thread that waits for a socket, through a pipe that the thread polls too.
private final class AMQPWakeup: Sendable {
    private let readEnd: Int32
    private let writeEnd: Int32
    /// Whether a wakeup is pending; further ones then skip the system call.
    private let isRung = Atomic(false)

    init() throws {
        var ends: [Int32] = [-1, -1]
        guard dash_amqp_make_pipe(&ends) == 0 else {
            throw CeleryError(.unreachable, "Cannot create a pipe for the RabbitMQ connection: too many open files.")
        }
        (readEnd, writeEnd) = (ends[0], ends[1])
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

    func ring() {
        guard !isRung.exchange(true, ordering: .acquiringAndReleasing) else { return }
        var byte: UInt8 = 1
        write(writeEnd, &byte, 1)
    }

    /// Clears the pending wakeups. State written before them is visible afterwards.
    func hear() {
        var bytes: (UInt64, UInt64) = (0, 0)
        while read(readEnd, &bytes, 16) == 16 {}
        isRung.store(false, ordering: .sequentiallyConsistent)
    }

    /// Waits for a wakeup, for readable data on `socket`, or for the timeout.
    func wait(orFor socket: Int32?, milliseconds: Int32) {
        var places = [readEnd, socket].compactMap(\.self).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        poll(&places, nfds_t(places.count), milliseconds)
    }
}

/// A monotonic clock in milliseconds, for deadlines within this process.
enum AMQPClock {
    private static let start = ContinuousClock.now

    static var now: Int64 { (ContinuousClock.now - start).wholeMilliseconds }
}
