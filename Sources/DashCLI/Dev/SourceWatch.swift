import Dispatch
import Foundation

/// Looks at a package's sources again and again, and tells when they have changed and come to rest.
struct SourceWatch: Sendable {
    /// Looks once.
    let look: @Sendable () -> SourceTree
    /// How long it waits between two looks, in seconds.
    let pause: Double

    /// Looks on the calling thread until the end.
    ///
    /// - Parameters:
    ///   - end: Signalled when it is to stop.
    ///   - onChange: Called after a change, when two looks in a row saw the same: somebody may write many files.
    func run(until end: DispatchSemaphore, _ onChange: () -> Void) {
        var told = look()
        var last = told
        // Files do not tell by themselves that they changed, on all systems and file systems.
        while end.wait(timeout: .now() + pause) == .timedOut {
            let now = look()
            if now == last, now != told {
                told = now
                onChange()
            }
            last = now
        }
    }
}
