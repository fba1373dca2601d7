import Jobs
import JobsConformance
import JobsSQLite
import Testing

@Suite("A manager over SQLite")
struct SQLiteManagerTests {
    @Test("keeps what every manager promises", .timeLimit(.minutes(2)), arguments: JobManagerConformance.checks)
    func keeps(_ check: JobManagerConformance.Check) async throws {
        let folder = TemporaryFolder()
        try await check.run(
            JobManagerConformance { EmbeddedJobManager(store: SQLiteJobStore(folder: folder.path), setup: $0) }
        )
        try folder.checkIntegrity()
    }
}
