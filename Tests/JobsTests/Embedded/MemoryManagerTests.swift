import Jobs
import JobsConformance
import Testing

@Suite("A manager in memory")
struct MemoryManagerTests {
    @Test("conforms to the manager suite", .timeLimit(.minutes(2)), arguments: JobManagerConformance.checks)
    func keeps(_ check: JobManagerConformance.Check) async throws {
        let store = MemoryJobStore()
        try await check.run(JobManagerConformance { EmbeddedJobManager(store: store, setup: $0) })
    }

    @Test("conforms to the store suite", .timeLimit(.minutes(2)), arguments: JobStoreConformance.checks)
    func keepsOverFaults(_ check: JobStoreConformance.Check) async throws {
        try await check.run(
            JobStoreConformance {
                let store = MemoryJobStore()
                return { store }
            }
        )
    }
}
