import Logging
import Support

extension Finisher {
    /// Has a message's keeper settle it, however long that takes: what is still kept when this worker is gone is given back
    /// by others, and its task, though it has ended, runs again.
    func release(_ end: TaskEnd) async {
        guard let keeper = end.keeper, let settlement = end.settlement else { return }
        var backoff = Backoff(first: .milliseconds(50), longest: .seconds(2))
        while true {
            do {
                return try await keeper.release(end.delivery, as: end.isKeptForSure ? settlement : .acknowledged)
            } catch {
                logger.error("A long task's message could not be forgotten yet.", metadata: ["error": "\(error)"])
            }
            if isPastDeadline { return }
            await pause(backoff.next())
        }
    }
}
