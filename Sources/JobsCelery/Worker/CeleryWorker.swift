import DashJSON
import Jobs
import Logging
import ServiceLifecycle

/// A worker: takes messages from queues, runs their tasks in an executor, and tells what became of them.
///
/// A graceful shutdown is Celery's warm one: nothing is fetched any more, the tasks that run end, the rest goes back to its
/// queue. A cancellation is the cold one: the tasks that run are killed and go back too. Remote control's `shutdown` makes
/// ``run()`` return by itself.
final class CeleryWorker: Service {
    let parts: CeleryWorkerParts
    let consumer: any CeleryConsumer

    /// Makes a worker; nothing is connected and no process started before ``run()``.
    ///
    /// - Throws: `CeleryError.option` for options that cannot be.
    init(_ parts: CeleryWorkerParts) throws {
        self.parts = parts
        consumer = try parts.broker.makeConsumer(
            parts.identity,
            queues: parts.options.queues,
            prefetch: parts.prefetch
        )
    }

    func run() async throws {}
}
