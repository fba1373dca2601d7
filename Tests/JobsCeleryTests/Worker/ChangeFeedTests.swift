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
        let batches = feed.take()
        #expect(batches.count == 1)
        #expect(
            batches[0].props.map(\.jsonText) == [
                #"["a","children",999]"#, #"["b","children",1]"#, #"["g","figure",{"__dash_patch_update":1}]"#,
                #"["g","figure",{"__dash_patch_update":2}]"#,
            ]
        )
        #expect(batches[0].progress.map(\.jsonText) == [#"["bar","value",2]"#])
        #expect(feed.take().isEmpty)
    }

    @Test("many changes are taken in numbered batches of at most 500, the progress first, all of them once")
    func batches() {
        for (progress, props) in [(0, 0), (1, 1), (300, 200), (501, 0), (700, 1200), (0, 1000), (500, 500)] {
            let feed = ChangeFeed()
            func list(_ count: Int) -> [UInt8] {
                Array("[\((0..<count).map { #"["a\#($0)","x",1]"# }.joined(separator: ","))]".utf8)
            }
            feed.add(progress: list(progress))
            feed.add(props: list(props))
            let batches = feed.take()
            #expect(batches.map(\.number) == Array(1..<(batches.count + 1)))
            #expect(batches.dropLast().allSatisfy { $0.progress.count + $0.props.count == 500 })
            #expect(batches.allSatisfy { 1...500 ~= $0.progress.count + $0.props.count })
            #expect(batches.flatMap(\.progress).map(\.id) == (0..<progress).map { "a\($0)" })
            #expect(batches.flatMap(\.props).map(\.id) == (0..<props).map { "a\($0)" })
            feed.add(props: list(1))
            #expect(feed.take().map(\.number) == [batches.count + 1])
        }
    }

    @Test("an invalid list of property values is ignored")
    func rubbish() {
        let feed = ChangeFeed()
        feed.add(props: Array("{}".utf8))
        feed.add(progress: Array("7".utf8))
        #expect(feed.take().isEmpty)
    }
}
