/// Checks that bytes are valid UTF-8, by the table of well-formed sequences of the Unicode standard (3-7).
enum UTF8Check {
    /// Where the first invalid sequence starts; nil if all is valid.
    static func firstFault(in text: UnsafeBufferPointer<UInt8>) -> Int? {
        var place = 0
        while true {
            place = endOfASCII(in: text, from: place)
            guard place < text.count else { return nil }
            guard let length = sequenceLength(in: text, at: place) else { return place }
            place += length
        }
    }

    /// The next byte that is not ASCII, looking at eight at a time; the text's end if there is none.
    private static func endOfASCII(in text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        let raw = UnsafeRawBufferPointer(text)
        var place = start
        while place &+ 8 <= raw.count {
            let word = raw.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            guard word & 0x8080_8080_8080_8080 == 0 else { break }
            place &+= 8
        }
        while place < raw.count, raw[place] < 0x80 { place &+= 1 }
        return place
    }

    /// The length of the sequence at `place`, which is not ASCII; nil if it is not well formed.
    private static func sequenceLength(in text: UnsafeBufferPointer<UInt8>, at place: Int) -> Int? {
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch text[place] {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: length = 4
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: return nil
        }
        guard place + length <= text.count, second.contains(text[place + 1]) else { return nil }
        for following in text[place + 2..<place + length] where following & 0xC0 != 0x80 { return nil }
        return length
    }
}
