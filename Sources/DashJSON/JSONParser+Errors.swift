extension JSONParser {
    /// An error at the place.
    func fault(_ code: JSONError.Code, _ message: String) -> JSONError {
        JSONError(code: code, message: message, byteOffset: place)
    }

    /// An error that says what should be at the place and what is.
    func unexpected(_ expected: String) -> JSONError {
        guard place < text.count else {
            return fault(.unexpectedEnd, "Expected \(expected), but the text ends.")
        }
        return fault(.syntax, "Expected \(expected), found \(found).")
    }

    private var found: String {
        let byte = text[place]
        return (0x21...0x7E).contains(byte) ? "“\(Unicode.Scalar(byte))”" : "the byte 0x" + String(byte, radix: 16)
    }
}
