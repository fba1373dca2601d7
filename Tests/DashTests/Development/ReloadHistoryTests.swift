import Testing

@testable import Dash

@Suite("Reports of changed assets")
struct ReloadHistoryTests {
    private func file(_ name: String, _ modified: Double = 1, size: Int = 10) -> AssetsFolder.File {
        AssetsFolder.File(name: name, modified: modified, size: size)
    }

    private func changed(_ name: String, _ modified: Double?) -> ReloadHistory.File {
        ReloadHistory.File(name: name, modified: modified)
    }

    @Test("A page with the current state gets no changes")
    func nothing() {
        var history = ReloadHistory(launch: "a", files: [file("a.css")])
        let hash = history.hash
        history.update([file("a.css")])
        #expect(history.hash == hash)
        #expect(history.news(since: hash) == .init(hash: hash, isHard: false, files: []))
        #expect(history.news(since: nil) == .init(hash: hash, isHard: false, files: []))
    }

    @Test("Changed, new and deleted files are reported by name and modification time")
    func changes() {
        var history = ReloadHistory(launch: "a", files: [file("a.css"), file("b.js"), file("c.css")])
        let first = history.hash
        history.update([file("a.css", 2), file("b.js"), file("d.css", 3)])
        let news = history.news(since: first)
        #expect(news.isHard && news.hash != first)
        #expect(news.files == [changed("a.css", 2), changed("c.css", nil), changed("d.css", 3)])
        #expect(news.files.map(\.isStylesheet) == [true, true, true])
    }

    @Test("A new size is a change, also with the same modification time")
    func length() {
        var history = ReloadHistory(launch: "a", files: [file("a.css")])
        let first = history.hash
        history.update([file("a.css", size: 11)])
        #expect(history.news(since: first).files == [changed("a.css", 1)])
    }

    @Test("Defect 22: each of two pages gets its own changes, in any order of requests")
    func twoPages() {
        var history = ReloadHistory(launch: "a", files: [file("a.css"), file("b.js")])
        let first = history.hash
        history.update([file("a.css", 2), file("b.js")])
        let second = history.hash
        history.update([file("a.css", 2), file("b.js", 3)])
        #expect(history.news(since: first).files == [changed("a.css", 2), changed("b.js", 3)])
        #expect(history.news(since: first).files == [changed("a.css", 2), changed("b.js", 3)])
        #expect(history.news(since: second).files == [changed("b.js", 3)])
        #expect(history.news(since: nil).files == [changed("a.css", 2), changed("b.js", 3)])
    }

    @Test("A page of another launch reloads")
    func otherLaunch() {
        let old = ReloadHistory(launch: "a", files: [file("a.css")])
        let new = ReloadHistory(launch: "b", files: [file("a.css")])
        #expect(old.hash != new.hash)
        #expect(new.news(since: old.hash) == .init(hash: new.hash, isHard: true, files: []))
    }

    @Test("The same launch and files have the same state in another process, so pages continue after a trap")
    func sameLaunch() {
        let files = [file("a.css"), file("b.js")]
        let other = ReloadHistory(launch: "a", files: files.reversed())
        #expect(ReloadHistory(launch: "a", files: files).hash == other.hash)
    }

    @Test(
        "Temporary files of editors are ignored",
        arguments: [".a.css.swp", "a.css~", "sub/.#b.js", ".git/x"]
    )
    func editorFiles(name: String) {
        var history = ReloadHistory(launch: "a", files: [file("a.css")])
        let first = history.hash
        history.update([file("a.css"), file(name)])
        #expect(history.hash == first)
    }

    @Test("A page with a state that is no longer kept reloads")
    func longAgo() {
        var history = ReloadHistory(launch: "a", files: [file("a.css", 0)])
        let first = history.hash
        for time in 1...1_200 { history.update([file("a.css", Double(time))]) }
        #expect(history.news(since: first) == .init(hash: history.hash, isHard: true, files: []))
    }
}
