import DashJSON
import Testing

@Suite("strings in JSON")
struct TextTests {
    @Test("quotes, backslashes and control characters are escaped")
    func escapes() {
        #expect(
            JSON.string("a\"b\\c/d\n\r\t\u{8}\u{C}\u{1}\u{1F}\u{7F}é🙂").text
                == #""a\"b\\c/d\n\r\t\u0008\u000c\u0001\u001f"# + "\u{7F}é🙂\""
        )
        #expect("".jsonText == #""""#)
        #expect("x\ny"[...].jsonText == #""x\ny""#)
    }

    @Test("every character survives a round trip")
    func roundTrips() throws {
        var all = ""
        for number in UInt32(0)...0x2FFF {
            if let scalar = Unicode.Scalar(number) { all.unicodeScalars.append(scalar) }
        }
        all += "🙂\u{10FFFF}\u{FFFD}"
        let back = try JSON(parsing: all.jsonBytes()).stringValue
        #expect(back?.utf8.elementsEqual(all.utf8) == true)
        let escaped = try JSON(parsing: JSON.string(all).serialized(escapingHTML: true)).stringValue
        #expect(escaped?.utf8.elementsEqual(all.utf8) == true)
    }

    @Test("HTML-escaped text has no character that could end a script element or a line")
    func escapesForHTML() throws {
        let value: JSON = ["</script>": "<!-- & \u{2028}\u{2029} ‧ € -->"]
        let bytes = value.serialized(escapingHTML: true)
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(
            text == #"{"\u003c\u002fscript\u003e":"\u003c!-- \u0026 \u2028\u2029 ‧ € --\u003e"}"#
        )
        #expect(try JSON(parsing: bytes) == value)
        #expect(RawJSON(value).escapingHTML().bytes == bytes)
    }
}
