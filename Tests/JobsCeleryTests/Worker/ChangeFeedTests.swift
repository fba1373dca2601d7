import DashJSON
import Jobs
import Testing

@testable import JobsCelery

@Suite
struct ChangeFeedTests {
    @Test("F21: only the newest value of a property is kept; Patches accumulate")
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

    @Test("changes that are put back precede later ones, which replace them")
    func putsBack() throws {
        let feed = ChangeFeed()
        feed.add(props: Array(#"[["a","x",1],["b","x",1]]"#.utf8))
        let first = try #require(feed.take())
        feed.add(props: Array(#"[["a","x",2]]"#.utf8))
        feed.putBack(first)
        #expect(feed.take()?.props.values.map(\.jsonText) == [#"["b","x",1]"#, #"["a","x",2]"#])
    }

    @Test("an invalid list of property values is ignored")
    func rubbish() {
        let feed = ChangeFeed()
        feed.add(props: Array("{}".utf8))
        feed.add(progress: Array("7".utf8))
        #expect(feed.take()?.isEmpty == nil)
    }
}
