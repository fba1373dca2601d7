import DashJSON
import Testing

@Suite("Patch detection")
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

    @Test("an object with the mark as a member, in any position and notation", arguments: patches)
    func isPatch(text: String) throws {
        #expect(RawJSON(unchecked: Array(text.utf8)).isPatch)
        #expect(try JSON(parsing: text).isPatch)
    }

    @Test("other values are not patches", arguments: others)
    func isNotPatch(text: String) throws {
        #expect(!RawJSON(unchecked: Array(text.utf8)).isPatch)
        #expect(try !JSON(parsing: text).isPatch)
    }

    @Test(
        "invalid JSON is not a patch",
        arguments: [
            "", " ", "{", #"{"__dash_patch_update""#, #"{"__dash_patch_update":}"#, #"{"__dash_patch_update":1"#,
        ]
    )
    func invalid(text: String) {
        #expect(!RawJSON(unchecked: Array(text.utf8)).isPatch)
    }
}
