import Testing

@testable import Jobs

@Suite
struct PropsQueueTests {
    @Test("of the values of a property the newest stays, in the order of the last setting")
    func newestWins() {
        #expect(sent(#"[["a","x",1],["b","y",2]]"#, #"[["a","x",3]]"#) == #"[["b","y",2],["a","x",3]]"#)
    }

    @Test("Patches add up, and a value replaces them")
    func patches() {
        let one = #"["a","x",{"__dash_patch_update":"__dash_patch_update","operations":[1]}]"#
        let two = #"["a","x",{"operations":[2],"__dash_patch_update":"__dash_patch_update"}]"#
        #expect(sent(#"[["a","x",0]]"#, "[\(one)]", "[\(two)]") == #"[["a","x",0],\#(one),\#(two)]"#)
        #expect(sent("[\(one)]", #"[["a","x",0]]"#, "[\(two)]") == #"[["a","x",0],\#(two)]"#)
    }

    @Test("ids may be any text, values may be anything")
    func anyJSON() {
        let texts = [
            #"["{\"index\":1,\"type\":\"x\"}","p",["]",{"}":"\"]"}]]"#, #"["q","p","a,\\\"]"]"#, #"["r","p",null]"#,
            #"["s","p",{}]"#, #"["t","p",-1.5e3]"#,
        ]
        let all = "[" + texts.joined(separator: ",") + "]"
        #expect(sent(all) == all)
        #expect(sent(" [ [ \"a\" , \"x\" , [ 1 , 2 ] ] ] ") == #"[["a","x",[ 1 , 2 ]]]"#)
        #expect(sent("[]") == "[]")
    }

    @Test(
        "what is no list of id, property and value is left out",
        arguments: [
            "", "{}", "[1]", "[[]]", #"[["a"]]"#, #"[["a","x"]]"#, #"[["a","x",]]"#, #"[["a","x",1]"#,
            #"[["a","x",1,2]]"#, #"[[{"index":1},"x",1]]"#, #"[["a","x","unended]]"#, #"[["a","x",{"b"]]"#, "[[\"\\",
        ]
    )
    func malformed(text: String) {
        var queue = PropsQueue()
        let isTaken = queue.add(Array(text.utf8))
        #expect(!isTaken)
        #expect(queue.isEmpty)
    }

    @Test("F21: the queue is never longer than there are properties")
    func bounded() {
        var queue = PropsQueue()
        for number in 0..<10_000 { _ = queue.add(Array(#"[["id-\#(number % 50)","children",\#(number)]]"#.utf8)) }
        #expect(queue.count == 50)
    }

    private func sent(_ bodies: String...) -> String {
        var queue = PropsQueue()
        for body in bodies { #expect(queue.add(Array(body.utf8)) == true) }
        return String(decoding: queue.takeAll(), as: UTF8.self)
    }
}
