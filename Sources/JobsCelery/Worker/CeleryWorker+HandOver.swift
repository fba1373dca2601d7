import Jobs
import Logging

extension CeleryWorker {
    /// Has a message kept in another place, and acknowledges it to the broker, whose patience ends soon.
    func handOver(_ task: HeldTask, _ delivery: Delivery) async {
        guard let keeper = parts.keeper else { return }
        do {
            try await keeper.keep(delivery)
        } catch {
            parts.logger.warning(
                "A long task's message could not be kept elsewhere; it is tried again.",
                metadata: ["task-id": "\(task.id)", "error": "\(error)"]
            )
            await pause(.seconds(5))
            return handle { machine, _ in machine.handOverFailed(task) }
        }
        var isKept = true
        handle { machine, _ in
            let actions = machine.handedOver(task, delivery)
            isKept = actions != nil
            return actions ?? []
        }
        // Its end told the keeper to forget it, perhaps before it was there to be forgotten.
        if !isKept { finisher.add(TaskEnd(delivery, .acknowledged, keeper: keeper)) }
    }
}
