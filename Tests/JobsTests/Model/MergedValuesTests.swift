import DashJSON
import Testing

@testable import Jobs

@Suite("Merged values")
struct MergedValuesTests {
    @Test("keep the newest value of each property, in the order of the last change")
    func newestWins() {
        #expect(sent(#"[["a","x",1],["b","y",2]]"#, #"[["a","x",3]]"#) == #"[["b","y",2],["a","x",3]]"#)
    }

    @Test("accumulate patches, which a value replaces")
    func patches() {
        let one = #"["a","x",{"__dash_patch_update":"__dash_patch_update","operations":[1]}]"#
        let two = #"["a","x",{"operations":[2],"__dash_patch_update":"__dash_patch_update"}]"#
        #expect(sent(#"[["a","x",0]]"#, "[\(one)]", "[\(two)]") == #"[["a","x",0],\#(one),\#(two)]"#)
        #expect(sent("[\(one)]", #"[["a","x",0]]"#, "[\(two)]") == #"[["a","x",0],\#(two)]"#)
    }

    @Test("accept any ids and values")
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

    @Test("F21: hold one value per property, and do not count replaced ones")
    func bounded() {
        var values = MergedValues()
        for number in 0..<10_000 {
            values.append([PropertyValue(id: "id-\(number % 50)", property: "children", value: RawJSON(number))])
        }
        #expect(values.values.count == 50)
        #expect(values.bytes < 50 * 120)
    }

    @Test("keep their order when they are appended to others")
    func appended() {
        var (first, later) = (MergedValues(), MergedValues())
        let (old, new) = (RawJSON(1), RawJSON(2))
        first.append(["a", "b", "c"].map { PropertyValue(id: $0, property: "x", value: old) })
        for id in ["d", "b"] { later.append([PropertyValue(id: id, property: "x", value: new)]) }
        first.append(later.values)
        #expect(first.values.map(\.id) == ["a", "c", "d", "b"])
        #expect(first.values.map(\.value) == [old, old, new, new])
    }

    private func sent(_ bodies: String...) -> String {
        var values = MergedValues()
        for body in bodies { values.append(PropertyValue.list(from: Array(body.utf8)) ?? []) }
        return values.values.jsonText
    }
}
