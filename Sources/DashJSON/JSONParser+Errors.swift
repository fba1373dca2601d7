extension JSONParser {
    /// An error at the place.
    func fault(_ code: JSONError.Code, _ message: String) -> JSONError {
        JSONError(code: code, message: message, byteOffset: place)
    }

    /// An error that says what should be at the place and what is.
    func unexpected(_ expected: String) -> JSONError {
        .unexpected(expected, in: text, at: place)
    }
}

extension JSONError {
    /// An error that says what should be at a place of a text and what is.
    static func unexpected(_ expected: String, in text: UnsafeBufferPointer<UInt8>, at place: Int) -> JSONError {
        guard place < text.count else {
            let message = "Expected \(expected), but the text ends."
            return JSONError(code: .unexpectedEnd, message: message, byteOffset: place)
        }
        let byte = text[place]
        let found = (0x21...0x7E).contains(byte) ? "“\(Unicode.Scalar(byte))”" : "the byte 0x" + String(byte, radix: 16)
        return JSONError(code: .syntax, message: "Expected \(expected), found \(found).", byteOffset: place)
    }

    static func invalidUTF8(at place: Int) -> JSONError {
        JSONError(code: .invalidUTF8, message: "The text is not valid UTF-8.", byteOffset: place)
    }
}
