import Testing

@testable import Jobs

@Suite("Finished jobs")
struct FinishedJobsTests {
    @Test("are removed oldest first, and their bytes are counted")
    func finished() {
        var finished = FinishedJobs()
        let ids = (0..<500).map { _ in JobID.new }
        for id in ids { finished.append(id, bytes: 2) }
        for id in ids.prefix(400) {
            #expect(finished.oldest == id)
            finished.removeOldest()
        }
        #expect(finished.count == 100)
        #expect(finished.bytes == 200)
    }
}
