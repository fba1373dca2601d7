import ServiceLifecycle
import Support

/// A service whose tasks all run on event loops.
///
/// A connection's tasks are resumed by its own loop, when something was read or written. To go on there spares the change
/// to a thread of Swift's pool and back, which costs more than all the rest of a small request. Code of the app, which
/// may block, never runs here; see ``CallbackExecutor``.
struct LoopService: Service {
    let service: any Service

    func run() async throws {
        try await withTaskExecutorPreference(LoopExecutor()) { try await service.run() }
    }
}
