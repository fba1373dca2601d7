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

    /// An error at the first byte of `range` that is not valid UTF-8.
    func invalidUTF8(in range: Range<Int>) -> JSONError {
        var valid = range.lowerBound
        var decoder = UTF8()
        var bytes = text[range].makeIterator()
        while case .scalarValue(let scalar) = decoder.decode(&bytes) { valid += UTF8.width(scalar) }
        return JSONError(code: .invalidUTF8, message: "The text is not valid UTF-8.", byteOffset: valid)
    }

    private var found: String {
        let byte = text[place]
        return (0x21...0x7E).contains(byte) ? "“\(Unicode.Scalar(byte))”" : "the byte 0x" + String(byte, radix: 16)
    }
}
