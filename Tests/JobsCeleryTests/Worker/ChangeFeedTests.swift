import DashJSON
import Jobs
import Testing

@testable import JobsCelery

@Suite
struct ChangeFeedTests {
    @Test("F21: of the values of one property only the newest is told, Patches add up")
    func merges() {
        let feed = ChangeFeed()
        for number in 0..<1000 { feed.add(props: Array(#"[["a","children",\#(number)],["b","children",1]]"#.utf8)) }
        feed.add(props: Array(#"[["g","figure",{"__dash_patch_update":1}]]"#.utf8))
        feed.add(props: Array(#"[["g","figure",{"__dash_patch_update":2}]]"#.utf8))
        feed.add(progress: Array(#"[["bar","value",1]]"#.utf8))
        feed.add(progress: Array(#"[["bar","value",2]]"#.utf8))
        let batch = feed.take()
        #expect(
            batch?.props.values.map(\.jsonText) == [
                #"["a","children",999]"#, #"["b","children",1]"#, #"["g","figure",{"__dash_patch_update":1}]"#,
                #"["g","figure",{"__dash_patch_update":2}]"#,
            ]
        )
        #expect(batch?.progress.values.map(\.jsonText) == [#"["bar","value",2]"#])
        #expect(feed.take()?.isEmpty == nil)
    }

    @Test("what could not be told comes before what came meanwhile, and gives way to it")
    func putsBack() throws {
        let feed = ChangeFeed()
        feed.add(props: Array(#"[["a","x",1],["b","x",1]]"#.utf8))
        let first = try #require(feed.take())
        feed.add(props: Array(#"[["a","x",2]]"#.utf8))
        feed.putBack(first)
        #expect(feed.take()?.props.values.map(\.jsonText) == [#"["b","x",1]"#, #"["a","x",2]"#])
    }

    @Test("what is no list of properties is left out")
    func rubbish() {
        let feed = ChangeFeed()
        feed.add(props: Array("{}".utf8))
        feed.add(progress: Array("7".utf8))
        #expect(feed.take()?.isEmpty == nil)
    }
}
