import DashJSON
import Testing

@Suite("JSON values")
struct ValueTests {
    @Test("values are created from literals of every kind")
    func literals() {
        let name = "Ann"
        let value: JSON = [
            "null": nil, "yes": true, "int": 1, "double": 1.5, "text": "to \(name)", "list": [1, "a", [:]],
        ]
        #expect(value.text == #"{"null":null,"yes":true,"int":1,"double":1.5,"text":"to Ann","list":[1,"a",{}]}"#)
    }

    @Test("members and elements are read, missing ones are null")
    func subscripts() {
        let value: JSON = ["a": [1, ["b": "deep"]]]
        #expect(value["a"][1]["b"] == "deep")
        #expect(value["a"][7].isNull)
        #expect(value["a"][-1].isNull)
        #expect(value["x"]["y"][0] == .null)
    }

    @Test("setting a nested member creates its objects")
    func setsNested() {
        var value: JSON = nil
        value["layout"]["title"] = "t"
        value["layout"]["height"] = 100
        value["layout"]["title"] = nil
        #expect(value.text == #"{"layout":{"title":null,"height":100}}"#)
    }

    @Test("accessors return the value of their kind or nil")
    func accessors() {
        let values: [JSON] = [nil, true, 3, 2.5, "s", [1], ["a": 1]]
        #expect(values.map(\.isNull) == [true, false, false, false, false, false, false])
        #expect(values.map(\.boolValue) == [nil, true, nil, nil, nil, nil, nil])
        #expect(values.map(\.intValue) == [nil, nil, 3, nil, nil, nil, nil])
        #expect(values.map(\.doubleValue) == [nil, nil, 3, 2.5, nil, nil, nil])
        #expect(values.map(\.stringValue) == [nil, nil, nil, nil, "s", nil, nil])
        #expect(values.map(\.arrayValue) == [nil, nil, nil, nil, nil, [1], nil])
        #expect(values.map(\.objectValue) == [nil, nil, nil, nil, nil, nil, ["a": 1]])
        #expect(JSON.double(4).intValue == 4)
        #expect(JSON.double(1e300).intValue == nil)
    }

    @Test("numbers of any case are compared by value")
    func numericEquality() {
        #expect(JSON.int(1) == .double(1))
        #expect(JSON.int(1).hashValue == JSON.double(1).hashValue)
        #expect(JSON.double(-0.0) == .int(0))
        #expect(JSON.double(-0.0).hashValue == JSON.int(0).hashValue)
        #expect(JSON.int(9_007_199_254_740_993) != .double(9_007_199_254_740_992))
        #expect(JSON.double(.nan) == .double(.nan))
        #expect(JSON.int(1) != true)
        #expect(JSON.int(1) != "1")
        #expect(JSON.double(1.5) != .int(1))
    }
}
