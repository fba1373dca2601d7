import DashJSON
import Foundation
import Jobs
import JobsConformance
import JobsSQLite
import Logging
import ServiceLifecycle
import Testing

/// Kills processes that use a store. The process is this test program, run again with only `beKilled`.
@Suite("A process that is killed")
struct KilledProcessTests {
    private static let folderVariable = "JOBS_TEST_FOLDER"
    private static let folderToUse = ProcessInfo.processInfo.environment[folderVariable]

    @Test(
        "F6 F7: kill -9 in a loop keeps the file intact, acknowledged jobs and final outcomes",
        .enabled(if: folderToUse == nil),
        .timeLimit(.minutes(5))
    )
    func killLoop() async throws {
        let folder = TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        var reports = Reports()
        // Soak tests set a higher number.
        let rounds = ProcessInfo.processInfo.environment["JOBS_TEST_KILLS"].flatMap { Int($0) } ?? 12
        for round in 0..<rounds {
            let process = try TestProcess(
                test: "KilledProcessTests/beKilled",
                environment: [Self.folderVariable: folder.path]
            )
            // Each round runs longer.
            try await reports.read(process, lines: 5 + round * 37)
            process.kill()
            await reports.readRest(process)
            try folder.checkIntegrity()
        }
        #expect(reports.accepted.count > rounds)
        #expect(reports.finished.count > rounds)
        try await reports.check(folder)
        #expect(try folder.number("SELECT count(*) - count(DISTINCT id) FROM jobs") == 0)
    }

    // scripts/total knows this name.
    @Test("runs jobs until it is killed", .enabled(if: folderToUse != nil))
    func beKilled() async throws {
        let folder = try #require(Self.folderToUse)
        let executor = TestExecutor(maximumConcurrency: 4)
        executor.answer("quick") { .succeeded($0.payload) }
        let manager = EmbeddedJobManager.sqlite(folder: folder, executor: executor, logger: Logger(label: "test"))
        let service = Task { try await manager.run() }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    while let id = try? await manager.start(JobRequest(name: "quick", payload: [49])) {
                        Self.say("accepted \(id)")
                        while let news = try? await manager.nextUpdate(of: id, after: 0) {
                            if news.state.isFinished { break }
                        }
                        Self.say("finished \(id)")
                    }
                }
            }
        }
        try await service.value
    }

    private static func say(_ line: String) {
        FileHandle.standardError.write(Data("@ \(line)\n".utf8))
    }
}

/// The output of the processes before they were killed.
private struct Reports {
    var accepted: Set<String> = []
    var finished: Set<String> = []

    mutating func read(_ process: TestProcess, lines: Int) async throws {
        for _ in 0..<lines {
            guard let line = await process.nextLine() else { throw ProcessEnded() }
            take(line)
        }
    }

    mutating func readRest(_ process: TestProcess) async {
        while let line = await process.nextLine() { take(line) }
    }

    private mutating func take(_ line: String) {
        let words = line.split(separator: " ").map(String.init)
        guard words.count == 3 else { return }
        if words[1] == "accepted" { accepted.insert(words[2]) } else { finished.insert(words[2]) }
    }

    /// Checks in a new process that everything reported is true.
    func check(_ folder: TemporaryFolder) async throws {
        let manager = EmbeddedJobManager.sqlite(
            folder: folder.path,
            executor: TestExecutor(),
            logger: Logger(label: "test")
        )
        let service = Task { try await manager.run() }
        for text in accepted.union(finished) {
            let id = try #require(JobID(text))
            let news = try #require(try await manager.update(of: id, after: 0), "\(text) is missing")
            if finished.contains(text) {
                try #require(news.state == .succeeded)
                try #require(news.result?.description == "1")
            }
        }
        service.cancel()
        try await service.value
    }
}

private struct ProcessEnded: Error {}
