import Jobs
import Logging

extension CeleryWorker {
    /// Has a message kept in another place, and acknowledges it to the broker, whose patience ends soon.
    func handOver(_ task: HeldTask, _ delivery: Delivery) async {
        guard let keeper = parts.keeper else { return }
        do {
            try await keeper.keep(delivery)
            await consumer.settle(delivery, as: .acknowledged)
        } catch {
            parts.logger.warning(
                "A long task's message could not be kept elsewhere; it is tried again.",
                metadata: ["task-id": "\(task.id)", "error": "\(error)"]
            )
            await pause(.seconds(5))
            handle { machine, _ in machine.handOverFailed(task) }
        }
    }
}
