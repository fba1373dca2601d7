import DashJSON
import Testing

@Suite("objects with ordered members")
struct ObjectTests {
    @Test("members keep their insertion order")
    func keepsOrder() throws {
        var object: JSONObject = ["z": 1, "a": 2]
        object["m"] = 3
        #expect(object.keys == ["z", "a", "m"])
        #expect(object.jsonText == #"{"z":1,"a":2,"m":3}"#)
        #expect(try JSON(parsing: object.jsonText).text == object.jsonText)
        #expect(object.map(\.value) == object.values)
    }

    @Test("setting an existing member keeps its position, setting nil removes it")
    func setsAndRemoves() {
        var object: JSONObject = ["a": 1, "b": 2, "c": 3]
        object["b"] = "new"
        #expect(object.jsonText == #"{"a":1,"b":"new","c":3}"#)
        object["a"] = nil
        object["missing"] = nil
        #expect(object.jsonText == #"{"b":"new","c":3}"#)
        #expect(object["a"] == nil)
    }

    @Test("of several members with one name the last wins", arguments: [2, 32, 33, 40, 100])
    func lastWins(count: Int) throws {
        let distinct = (0..<count - 1).map { #""k\#($0)":\#($0)"# }
        let object = try JSONObject(
            json: JSON(parsing: "{" + (distinct + [#""k0":"last""#]).joined(separator: ",") + "}")
        )
        #expect(object.count == count - 1)
        #expect(object["k0"] == "last")
        #expect(object.keys == (0..<count - 1).map { "k\($0)" })
        let literal: JSONObject = ["a": 1, "b": 2, "a": 3]
        #expect(literal.jsonText == #"{"a":3,"b":2}"#)
    }

    @Test("lookup, removal and insertion work for few and many members", arguments: [1, 31, 32, 33, 34, 70])
    func worksAcrossIndexSizes(count: Int) {
        var object = JSONObject()
        for number in 0..<count { object.append("k\(number)", .int(number)) }
        #expect((0..<count).allSatisfy { object["k\($0)"] == .int($0) })
        for number in stride(from: 0, to: count, by: 2) { object["k\(number)"] = nil }
        #expect(object.count == count / 2)
        #expect((0..<count).allSatisfy { object["k\($0)"] == ($0.isMultiple(of: 2) ? nil : .int($0)) })
        object["k0"] = "again"
        #expect(object.keys.last == "k0")
        #expect(object["k0"] == "again")
    }

    @Test("equality and hash ignore the order of members")
    func ignoresOrder() throws {
        let one = try JSON(parsing: #"{"a":1,"b":{"x":[1],"y":2}}"#)
        let other = try JSON(parsing: #"{"b":{"y":2.0,"x":[1]},"a":1.0}"#)
        #expect(one == other)
        #expect(one.hashValue == other.hashValue)
        #expect(one != ["a": 1, "b": 2])
        #expect(["a": 1] as JSONObject != ["b": 1])
        #expect(["a": 1] as JSONObject != ["a": 1, "b": nil])
    }

    @Test("a copy does not change with the original")
    func copiesAreIndependent() {
        var original: JSONObject = ["a": 1]
        let copy = original
        original["a"] = 2
        #expect(copy["a"] == 1)
    }
}
