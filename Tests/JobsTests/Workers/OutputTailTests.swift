import Testing

@testable import Jobs

@Suite
struct OutputTailTests {
    @Test("the last bytes are kept, in at most twice the memory")
    func tail() {
        var tail = OutputTail(limit: 4)
        for number in 0..<10 { tail.append(Array("\(number)".utf8)) }
        #expect(tail.text == "6789")
        tail.clear()
        #expect(tail.text == "")
    }

    @Test("lines are complete for any fragmentation, and limited in length")
    func lines() {
        var splitter = LineSplitter(longest: 5)
        #expect(splitter.add(Array("on".utf8)) == [])
        #expect(splitter.add(Array("e\n\ntwo".utf8)) == ["one", ""])
        #expect(splitter.add(Array("345".utf8)) == ["two34"])
        #expect(splitter.finish() == ["5"])
        #expect(splitter.finish() == [])
    }

    @Test("a worker inherits the environment plus the configuration's and the crash reporter's settings")
    func environment() {
        let lines = ChildEnvironment.lines(base: ["A=1", "B=2", "odd"], extra: ["B": "3"])
        #expect(lines == ["A=1", "SWIFT_BACKTRACE=\(ChildEnvironment.backtraceSettings)", "B=3"])
        let own = ChildEnvironment.lines(base: ["SWIFT_BACKTRACE=swift-backtrace=/x"], extra: [:])
        #expect(own == ["SWIFT_BACKTRACE=\(ChildEnvironment.backtraceSettings),swift-backtrace=/x"])
        let given = ChildEnvironment.lines(base: ["SWIFT_BACKTRACE=a"], extra: ["SWIFT_BACKTRACE": "enable=no"])
        #expect(given == ["SWIFT_BACKTRACE=enable=no"])
    }
}
