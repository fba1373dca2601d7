extension JSONParser {
    /// Reads a text; the place is at its opening quote.
    mutating func string() throws(JSONError) -> String {
        place &+= 1
        let start = place
        skipPlain()
        guard current != UInt8(ascii: "\"") else {
            defer { place &+= 1 }
            return piece(start..<place)
        }
        return try escapedString(from: start)
    }

    /// Goes to the next quote, backslash or control character, or to the end.
    @inline(__always)
    private mutating func skipPlain() {
        while place < text.count, !JSONWriter.needsEscape(text[place]) { place &+= 1 }
    }

    /// Reads the rest of a text with escapes, piece by piece.
    private mutating func escapedString(from start: Int) throws(JSONError) -> String {
        var result = ""
        var pieceStart = start
        while true {
            result += piece(pieceStart..<place)
            switch current {
            case UInt8(ascii: "\""):
                place &+= 1
                return result
            case UInt8(ascii: "\\"):
                place &+= 1
                result.unicodeScalars.append(try escape())
            default:
                guard place < text.count else { throw unexpected("the closing quote of a string") }
                throw fault(.syntax, "A control character in a string must be written as an escape.")
            }
            pieceStart = place
            skipPlain()
        }
    }

    /// The bytes as a text; they are known to be valid UTF-8.
    @inline(__always)
    private func piece(_ range: Range<Int>) -> String {
        String(decoding: UnsafeBufferPointer(rebasing: text[range]), as: UTF8.self)
    }

    /// Reads what follows a backslash.
    private mutating func escape() throws(JSONError) -> Unicode.Scalar {
        let scalar: Unicode.Scalar
        switch current {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): scalar = Unicode.Scalar(current)
        case UInt8(ascii: "n"): scalar = "\n"
        case UInt8(ascii: "t"): scalar = "\t"
        case UInt8(ascii: "r"): scalar = "\r"
        case UInt8(ascii: "b"): scalar = "\u{8}"
        case UInt8(ascii: "f"): scalar = "\u{C}"
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw unexpected("one of \" \\ / b f n r t u after a backslash")
        }
        place &+= 1
        return scalar
    }

    /// Reads `uXXXX`, and a second one if both are a surrogate pair.
    private mutating func unicodeEscape() throws(JSONError) -> Unicode.Scalar {
        let unit = try hexUnit()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        let afterFirst = place
        if UTF16.isLeadSurrogate(unit), current == UInt8(ascii: "\\") {
            place &+= 1
            if current == UInt8(ascii: "u") {
                let second = try hexUnit()
                if UTF16.isTrailSurrogate(second) {
                    return UTF16.decode(UTF16.EncodedScalar([unit, second]))
                }
            }
        }
        // Half a pair, which JavaScript allows, is no text: it becomes U+FFFD, as when JavaScript encodes it.
        place = afterFirst
        return "\u{FFFD}"
    }

    private mutating func hexUnit() throws(JSONError) -> UInt16 {
        place &+= 1
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(current)).hexDigitValue else {
                throw unexpected("a hexadecimal digit")
            }
            unit = unit << 4 | UInt16(digit)
            place &+= 1
        }
        return unit
    }
}
