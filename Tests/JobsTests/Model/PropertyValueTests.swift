import DashJSON
import Jobs
import Testing

@Suite("A property value")
struct PropertyValueTests {
    @Test("is written as a triple and parsed again")
    func roundTrip() {
        let value = PropertyValue(
            id: #"{"index":1,"type":"x"}"#,
            property: "children",
            value: RawJSON(["a\"],[\\": 1, "ü": 2.5])
        )
        #expect(PropertyValue.list(from: [value, value].jsonBytes()) == [value, value])
    }

    @Test("keeps its value byte for byte")
    func untouched() {
        let text = #"[["a","b",{"x" : [ 1.0,"]}\"," ]}],["c","d",1e400]]"#
        let values = PropertyValue.list(from: Array(text.utf8))
        #expect(values?.map(\.value.description) == [#"{"x" : [ 1.0,"]}\"," ]}"#, "1e400"])
    }

    @Test(
        "is not parsed from other texts",
        arguments: [
            "", " ", "null", "{}", "[1]", "[[]]", "[[1,2,3]]", #"[["a","b"]]"#, #"[["a","b",1,2]]"#, #"[["a","b",1]"#,
            #"[["a","b",1]]]"#, #"[["a","b",1],]"#, "[1", "[[\"\\", #"[["a","x",]]"#,
            #"[["a","x",{"b"]]"#, #"[["a","x","unended]]"#, #"[[{"index":1},"x",1]]"#, #"[["a","b","c]]"#,
            #"[["a","b",[1}]"#, #"[["a\x","b",1]]"#,
        ]
    )
    func refused(_ text: String) {
        #expect(PropertyValue.list(from: Array(text.utf8)) == nil)
    }

    @Test("is parsed in linear time: 10,000 values")
    func many() {
        let text = "[" + (0..<10_000).map { "[\"id\($0)\",\"p\",\($0)]" }.joined(separator: ",") + "]"
        #expect(PropertyValue.list(from: Array(text.utf8))?.count == 10_000)
    }
}
