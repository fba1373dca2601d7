import Jobs
import JobsConformance
import JobsSQLite
import Testing

@Suite("A manager over SQLite")
struct SQLiteManagerTests {
    @Test("conforms to the manager suite", .timeLimit(.minutes(2)), arguments: JobManagerConformance.checks)
    func keeps(_ check: JobManagerConformance.Check) async throws {
        let folder = TemporaryFolder()
        try await check.run(
            JobManagerConformance { EmbeddedJobManager(store: SQLiteJobStore(folder: folder.path), setup: $0) }
        )
        try folder.checkIntegrity()
    }

    @Test("conforms to the store suite", .timeLimit(.minutes(2)), arguments: JobStoreConformance.checks)
    func keepsOverFaults(_ check: JobStoreConformance.Check) async throws {
        try await check.run(
            JobStoreConformance {
                let folder = TemporaryFolder()
                return { SQLiteJobStore(folder: folder.path) }
            }
        )
    }
}
