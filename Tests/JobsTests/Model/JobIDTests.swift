import Jobs
import Testing

@Suite("The id of a job")
struct JobIDTests {
    @Test("converts to text and back")
    func roundTrip() {
        for _ in 0..<1000 {
            let id = JobID.new
            #expect(JobID(id.text) == id)
            #expect(id.text.count == 36)
        }
    }

    @Test("has the version and variant of a time-ordered UUID")
    func version() {
        let text = Array(JobID.new.text)
        #expect(text[14] == "7")
        #expect("89ab".contains(text[19]))
    }

    @Test("is unique, and later ids are greater")
    func order() async throws {
        let early = (0..<10_000).map { _ in JobID.new }
        #expect(Set(early).count == 10_000)
        try await Task.sleep(for: .milliseconds(2))
        let late = JobID.new
        #expect(early.allSatisfy { $0 < late && $0.text < late.text })
    }

    @Test("parses upper case", arguments: ["0192F3C4-0000-7000-8000-00000000ABCD"])
    func upperCase(_ text: String) {
        #expect(JobID(text)?.text == text.lowercased())
    }

    @Test(
        "rejects other texts",
        arguments: [
            "", "0192f3c4", "0192f3c4-0000-7000-8000-00000000abc", "0192f3c4-0000-7000-8000-00000000abcdf",
            "0192f3c400000-7000-8000-00000000abcd0", "0192f3c4-0000-7000-8000-00000000abcg",
            "0192f3c4-0000-7000-8000-0000000０abcd", "../../../../etc/passwd-0000-000000000",
            "{192f3c4-0000-7000-8000-00000000abcd",
        ]
    )
    func refused(_ text: String) {
        #expect(JobID(text) == nil)
    }
}
