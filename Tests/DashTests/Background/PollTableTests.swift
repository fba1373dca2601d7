import DashJSON
import HTTPTypes
import Jobs
import Testing

@testable import Dash

@Suite("The response to a poll, by the state of its job")
struct PollTableTests {
    @Test("Running without updates: held, and answered after the maximum hold")
    func live() async throws {
        let jobs = JobPage()
        let site = try TestSite(jobs.app)
        try await site.serve { visit in
            let page = try await visit.open()
            let job = try await page.start(JobPage.click)
            async let answer = page.poll(JobPage.click, job, n: 1)
            try await until("the held poll") { site.polls.count == 1 }
            jobs.stage.open("begin 1")
            #expect(try await answer.json["progress"]["bar.value"] == "1")
            #expect(site.polls.count == 0)
        }
        let hasty = try TestSite(JobPage().app) { $0.longestHold = .zero }
        try await hasty.serve { visit in
            let page = try await visit.open()
            let job = try await page.start(JobPage.click)
            let answer = try await page.poll(JobPage.click, job, n: 1)
            #expect(answer.status == 200)
            #expect(answer.text == #"{"multi":true}"#)
        }
    }

    @Test("Finished: the same 200 for each poll")
    func finished() async throws {
        let jobs = JobPage()
        jobs.finish()
        let site = try TestSite(jobs.app)
        try await site.serve { visit in
            let page = try await visit.open()
            let job = try await page.start(JobPage.click)
            try await site.manager.end(of: try #require(site.manager.started.first))
            // Depending on timing, the start's response had the progress already.
            _ = try await page.poll(JobPage.click, job, n: 1)
            for number in [2, 2, 3, 9] {
                let answer = try await page.poll(JobPage.click, job, n: number)
                #expect(answer.status == 200)
                #expect(answer.text == #"{"multi":true,"response":{"out":{"children":"run 1 for nobody"}}}"#)
            }
        }
    }

    @Test("Failed without onError: 500, with the message in debug, otherwise with a notice for the page")
    func failed() async throws {
        for isDebug in [false, true] {
            let site = try TestSite(JobPage().app) { $0.site.debug = isDebug }
            let failure = WorkerFailure(kind: .error, code: "Broken", message: "It broke.", trace: "at main.swift:7")
            site.executor.end(JobPage.jobName, with: .failed(failure))
            try await site.serve { visit in
                let page = try await visit.open()
                let start = try await page.post(JobPage.click)
                let answer = start.status == 200 ? try await page.poll(JobPage.click, start.job ?? "", n: 1) : start
                #expect(answer.status == 500)
                #expect(answer.text.contains("It broke.") == isDebug)
                #expect(answer.text.contains("main.swift:7") == isDebug)
                let notice = answer.headers[.dashNotice]
                #expect((notice == nil) == isDebug, "in debug there is the renderer's card")
                if let notice {
                    #expect(notice.contains(/^The server could not complete this request\. Error [A-Za-z0-9_-]{8}\.$/))
                }
            }
        }
    }

    @Test("Failed with onError: its values, and the properties it sets, in the start's context")
    func handledFailure() async throws {
        let jobs = JobPage { failure in
            setProps("errors", ["children": failure.kind.description])
            return
                "\(failure.code): \(failure.message) \(ctx.inputs.map(\.value)) \(ctx.states.map(\.value.stringValue))"
        }
        let site = try TestSite(jobs.app)
        site.executor.end(JobPage.jobName, with: .failed(WorkerFailure(kind: .crash, code: "signal", message: "Trap.")))
        try await site.serve { visit in
            let page = try await visit.open()
            let start = try await page.post(JobPage.click)
            let first = start.job == nil ? start : try await page.poll(JobPage.click, start.job ?? "", n: 1)
            let wanted: JSON = [
                "multi": true, "sideUpdate": ["errors": ["children": "crash"]],
                "response": ["out": ["children": #"signal: Trap. [1] [Optional("nobody")]"#]],
            ]
            #expect(first.status == 200)
            #expect(first.json == wanted)
        }
    }

    @Test(
        "Each kind of failure has a message for visitors; onError receives the kind",
        arguments: [
            (JobState.lost, JobFailure.Kind.lost, "The server stopped before this job completed"),
            (.timedOut, .timedOut, "This job exceeded its time limit."),
            (.failed, .crash, "The process that ran this job crashed."),
            (.failed, .incompatible, "The app was updated after this job was started."),
            (.failed, .storage, "The server could not store this job."),
            (.failed, .tooLarge, "This job's data is larger than the server accepts."),
        ]
    )
    func otherEnds(state: JobState, kind: JobFailure.Kind, sentence: String) async throws {
        let alter: @Sendable (inout JobUpdate) -> Void = { news in
            news.state = state
            news.failure = JobFailure(kind: kind, code: "test", message: "inside")
        }
        let plain = try TestSite(JobPage().app)
        try await plain.serve { visit in
            let page = try await visit.open()
            let job = try await page.start(JobPage.click)
            plain.manager.alter(alter)
            let answer = try await page.poll(JobPage.click, job, n: 1)
            #expect(answer.status == 500)
            #expect(answer.text.hasPrefix(sentence))
            #expect(!answer.text.contains("inside"))
        }
        let handled = try TestSite(JobPage(onError: { $0.kind.description }).app)
        try await handled.serve { visit in
            let page = try await visit.open()
            let job = try await page.start(JobPage.click)
            handled.manager.alter(alter)
            let answer = try await page.poll(JobPage.click, job, n: 1)
            #expect(answer.json["response"]["out"]["children"].stringValue == kind.rawValue)
        }
    }

    @Test("defect 4: unknown or pruned: 404")
    func unknown() async throws {
        let jobs = JobPage()
        let site = try TestSite(jobs.app) { $0.site.keepFinished = .zero }
        try await site.serve { visit in
            let page = try await visit.open()
            let visitor = try #require(
                site.assembly.responder.routes.callbacks.sessions.visitor(cookieHeader: page.cookie, endID: page.endID)
            )
            let handles = site.assembly.responder.routes.callbacks.background.handles
            let never = handles.make(.new, owner: "session:\(visitor.session)", page: visitor.page ?? "")
            #expect(try await page.poll(JobPage.click, never, n: 1).status == 404)
            let job = try await page.start(JobPage.click)
            jobs.finish()
            try await site.manager.end(of: try #require(site.manager.started.first))
            #expect(try await page.poll(JobPage.click, job, n: 1).status == 404)
        }
    }

    @Test("F8: a store that cannot be read does not end a job: 503, after which our script polls again")
    func storeFault() async throws {
        let jobs = JobPage()
        let site = try TestSite(jobs.app)
        try await site.serve { visit in
            let page = try await visit.open()
            let job = try await page.start(JobPage.click)
            site.manager.alter { _ in throw JobsError(.storage, "The disk does not answer.") }
            let fault = try await page.poll(JobPage.click, job, n: 1)
            #expect(fault.status == 503)
            #expect(!fault.text.contains("disk"))
            site.manager.alter { _ in }
            jobs.stage.open("begin 1")
            #expect(try await page.poll(JobPage.click, job, n: 1).json["progress"]["bar.value"] == "1")
        }
    }
}
