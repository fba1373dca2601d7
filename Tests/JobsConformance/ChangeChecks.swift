import DashJSON
import Jobs
import Testing

extension JobManagerConformance {
    static let changeChecks: [Check] = [
        Check("progress is merged: the newest value of each property, in the order of changes") {
            try await $0.progressMerge()
        },
        Check("properties are merged: a value replaces, a patch is appended") { try await $0.propsMerge() },
        Check("only changes after a sequence are returned") { try await $0.afterSequence() },
        Check("F21: 10,000 properties of 50 ids result in the exact final state") { try await $0.manyProps() },
        Check("an invalid list of property values is dropped, and the job continues") { try await $0.badBody() },
        Check("a job that sends too much fails with a message") { try await $0.tooMuch() },
        Check("patches that the page has received make room for others") { try await $0.patchesMakeRoom() },
        Check("the changes of a finished job are still returned") { try await $0.keptAfterEnd() },
    ]

    private func progressMerge() async throws {
        try await withManager { manager, executor in
            let (id, run) = try await manager.startHeld(JobRequest(name: "a"), executor)
            run.progress(#"[["bar","value","0"],["bar","max",5]]"#)
            run.progress(#"[["bar","value","1"]]"#)
            let news = try #require(try await manager.update(of: id, after: 0))
            #expect(texts(news.progress) == ["bar.max=5", #"bar.value="1""#])
            #expect(news.props.isEmpty)
            run.succeed()
        }
    }

    private func propsMerge() async throws {
        try await withManager { manager, executor in
            let (id, run) = try await manager.startHeld(JobRequest(name: "a"), executor)
            let patch = #"{"__dash_patch_update":"__dash_patch_update","operations":[]}"#
            run.setProps(#"[["a","x",1],["b","y",[1, "]"]]]"#)
            run.setProps(#"[["a","x",\#(patch)],["b","y",{"z":2}]]"#)
            run.setProps(#"[["a","x",\#(patch)]]"#)
            let news = try #require(try await manager.update(of: id, after: 0))
            #expect(texts(news.props) == ["a.x=1", "a.x=\(patch)", #"b.y={"z":2}"#, "a.x=\(patch)"])
            run.setProps(#"[["a","x",null]]"#)
            let later = try #require(try await manager.update(of: id, after: 0))
            #expect(texts(later.props) == [#"b.y={"z":2}"#, "a.x=null"])
            run.succeed()
        }
    }

    private func afterSequence() async throws {
        try await withManager { manager, executor in
            let (id, run) = try await manager.startHeld(JobRequest(name: "a"), executor)
            run.progress(#"[["bar","value",1]]"#)
            run.setProps(#"[["a","x",1]]"#)
            let first = try #require(try await manager.update(of: id, after: 0))
            run.setProps(#"[["b","x",2]]"#)
            let second = try #require(try await manager.update(of: id, after: first.sequence))
            #expect(texts(second.props) == ["b.x=2"])
            #expect(second.progress.isEmpty)
            #expect(second.sequence > first.sequence)
            run.succeed()
        }
    }

    private func manyProps() async throws {
        try await withManager { manager, executor in
            let (id, run) = try await manager.startHeld(JobRequest(name: "a"), executor)
            for number in 0..<10_000 { run.setProps("[[\"id\(number % 50)\",\"x\",\(number)]]") }
            let news = try #require(try await manager.update(of: id, after: 0))
            #expect(texts(news.props) == (9_950..<10_000).map { "id\($0 % 50).x=\($0)" })
            run.succeed()
        }
    }

    private func badBody() async throws {
        try await withManager { manager, executor in
            let (id, run) = try await manager.startHeld(JobRequest(name: "a"), executor)
            for body in ["", "1", "{}", "[1]", "[[1,2,3]]", #"[["a","b"]]"#, #"[["a","b",1]"#, #"[["a","b",]]"#] {
                run.setProps(body)
            }
            run.setProps("[]")
            run.setProps(#" [ [ "a" , "b" , 1 ] ] "#)
            #expect(texts(try await manager.update(of: id, after: 0)?.props ?? []) == ["a.b=1"])
            run.succeed()
            #expect(try await manager.end(of: id).state == .succeeded)
        }
    }

    private func tooMuch() async throws {
        try await withManager(maximumConcurrency: 4, { $0.maximumChangesBytes = 5_000 }) { manager, executor in
            let (id, run) = try await manager.startHeld(JobRequest(name: "a", retries: .upTo(3)), executor)
            run.setProps("[[\"a\",\"x\",\"\(String(repeating: "x", count: 6_000))\"]]")
            let end = try await manager.end(of: id)
            #expect(end.state == .failed)
            #expect(end.failure?.kind == .tooLarge)
            #expect(end.failure?.message.contains("the limit is 5000") == true)
        }
    }

    private func patchesMakeRoom() async throws {
        try await withManager(maximumConcurrency: 4, { $0.maximumChangesBytes = 5_000 }) { manager, executor in
            let (id, run) = try await manager.startHeld(JobRequest(name: "a"), executor)
            let text = String(repeating: "x", count: 1_000)
            for round in 1...20 {
                run.setProps("[[\"a\",\"x\",{\"__dash_patch_update\":\"\(text)\(round)\"}]]")
                let news = try #require(try await manager.update(of: id, after: 0))
                try #require(news.state == .running && news.props.last?.value.bytes.count ?? 0 > 1_000)
                try await manager.record(Delivery(poll: round, from: news.sequence, through: news.sequence), for: id)
            }
            run.succeed()
            #expect(try await manager.end(of: id).state == .succeeded)
        }
    }

    private func keptAfterEnd() async throws {
        try await withManager { manager, executor in
            let (id, run) = try await manager.startHeld(JobRequest(name: "a"), executor)
            run.progress(#"[["bar","value",1]]"#)
            run.setProps(#"[["a","x",1]]"#)
            run.succeed("2")
            let end = try await manager.end(of: id)
            let all = try #require(try await manager.update(of: id, after: 0))
            #expect(texts(all.progress) == ["bar.value=1"])
            #expect(texts(all.props) == ["a.x=1"])
            #expect(all.result?.description == "2")
            #expect(all.sequence == end.sequence)
        }
    }
}
