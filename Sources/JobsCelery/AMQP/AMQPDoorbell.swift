import CRabbitMQ
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Wakes a thread that waits for a socket: a pipe whose other end it waits for too.
final class AMQPDoorbell: Sendable {
    let readEnd: Int32
    private let writeEnd: Int32
    /// Whether it was rung and not heard yet: then ringing costs nothing.
    private let isRung = Atomic(false)

    init() throws {
        var ends: [Int32] = [-1, -1]
        guard dash_amqp_make_pipe(&ends) == 0 else {
            throw CeleryError(.unreachable, "The system has no room for a pipe for RabbitMQ: too many open files.")
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

    /// Hears what was rung so far: what was put somewhere before is seen after this.
    func hear() {
        var bytes: (UInt64, UInt64) = (0, 0)
        while read(readEnd, &bytes, 16) == 16 {}
        isRung.store(false, ordering: .sequentiallyConsistent)
    }

    /// Waits until it is rung, the other end of `socket` says something, or the time is over.
    func wait(orFor socket: Int32?, milliseconds: Int32) {
        var places = [pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0)]
        if let socket { places.append(pollfd(fd: socket, events: Int16(POLLIN), revents: 0)) }
        poll(&places, nfds_t(places.count), milliseconds)
    }
}
