import DashJSON
import Testing

@Suite("What is a Patch")
struct PatchMarkTests {
    static let patches = [
        #"{"__dash_patch_update":"__dash_patch_update","operations":[]}"#,
        #"{"__dash_patch_update":1}"#,
        #"{"__dash_patch_update":null,"operations":[{"params":{"value":[1,"}"]}}]}"#,
        #"{"operations":[],"__dash_patch_update":"__dash_patch_update"}"#,
        #"{"operations":[{"a":"{"}],"b":"\\","__dash_patch_update":"__dash_patch_update"}"#,
        " {\"__dash_patch_update\":\"__dash_patch_update\"}",
        "\r\n\t { \"__dash_patch_update\"\n:\t\"__dash_patch_update\" , \"operations\" : [ ] } ",
        #"{"\u005f_dash_patch_update":"__dash_patch_update","operations":[]}"#,
        #"{"__dash_patch_update":1,"__dash_patch_update":2}"#,
        #"{"a":1,"a":2,"__dash_patch_update":2}"#,
    ]

    static let others = [
        "null", "true", "1", "[]", "{}", #""__dash_patch_update""#, #"["__dash_patch_update"]"#,
        #"{"x":{"__dash_patch_update":1}}"#, #"[{"__dash_patch_update":1}]"#, #"{"x":"__dash_patch_update"}"#,
        #"{"x":"{\"__dash_patch_update\":1}"}"#, #"{"__dash_patch_update ":1}"#, #"{"__dash_patch_updates":1}"#,
        #"{"\\u005f_dash_patch_update":1}"#, #"{"\"__dash_patch_update\"":1}"#, #"{"__DASH_PATCH_UPDATE":1}"#,
    ]

    @Test("an object with the mark as a member, wherever and however it is written", arguments: patches)
    func isPatch(text: String) throws {
        #expect(RawJSON(unchecked: Array(text.utf8)).isPatch)
        #expect(try JSON(parsing: text).isPatch)
    }

    @Test("nothing else", arguments: others)
    func isNotPatch(text: String) throws {
        #expect(!RawJSON(unchecked: Array(text.utf8)).isPatch)
        #expect(try !JSON(parsing: text).isPatch)
    }

    @Test(
        "no text that is not JSON",
        arguments: [
            "", " ", "{", #"{"__dash_patch_update""#, #"{"__dash_patch_update":}"#, #"{"__dash_patch_update":1"#,
        ]
    )
    func invalid(text: String) {
        #expect(!RawJSON(unchecked: Array(text.utf8)).isPatch)
    }
}
