/// One line of the runtime's backtrace: `3 element(_:) + 24 in myapp at /somewhere/Jobs.swift:27:19`.
package struct BacktraceFrame: Sendable, Hashable {
    /// The function, without the compiler's own remarks.
    package var function: String
    /// The program or library.
    package var image: String
    /// File and line, `Jobs.swift:27`, where they are known.
    package var place: String?

    /// Reads a line; nil if it is not that of a frame.
    package init?(_ line: some StringProtocol) {
        var rest = Substring(line.drop { $0 == " " })
        guard let number = Self.takeWord(&rest), !number.isEmpty, number.allSatisfy(\.isWholeNumber) else { return nil }
        while rest.hasPrefix("0x") || rest.hasPrefix("[") { _ = Self.takeWord(&rest) }
        var position: Substring?
        if let at = rest.lastRange(of: " at ") {
            position = rest[at.upperBound...]
            rest = rest[..<at.lowerBound]
        }
        guard let within = rest.lastRange(of: " in ") else { return nil }
        image = String(rest[within.upperBound...])
        function = Self.readable(rest[..<within.lowerBound])
        place = position.flatMap(Self.place)
    }

    /// Whether this is code of the program, not of the runtime.
    package var isUserCode: Bool { place != nil && isOfProgram }

    /// Whether this is a function in the program itself, not in a library.
    package var isOfProgram: Bool {
        !image.hasPrefix("lib") && !image.contains(".so") && !function.hasPrefix("Swift runtime failure")
    }

    private static func takeWord(_ text: inout Substring) -> Substring? {
        guard !text.isEmpty else { return nil }
        // The last word takes the text's end: a frame without a name ends with its address.
        let end = text.firstIndex(of: " ") ?? text.endIndex
        defer { text = text[end...].drop { $0 == " " } }
        return text[..<end]
    }

    /// `/somewhere/Jobs.swift:27:19` becomes `Jobs.swift:27`.
    private static func place(_ position: Substring) -> String? {
        let file = position.split(separator: "/").last ?? position
        let parts = file.split(separator: ":")
        guard parts.count > 1, !file.contains("<compiler-generated>") else { return nil }
        return "\(parts[0]):\(parts[1])"
    }

    /// `specialized sum(_:_:) + 14` becomes `sum(_:_:)`.
    private static func readable(_ name: Substring) -> String {
        var name = name
        if let plus = name.lastRange(of: " + ") { name = name[..<plus.lowerBound] }
        while name.hasPrefix("specialized ") { name = name.dropFirst("specialized ".count) }
        if name.contains("thunk for") || name.count > 200 { return "a closure" }
        return String(name)
    }
}

extension StringProtocol {
    /// Where `text` stands for the last time.
    func lastRange(of text: String) -> Range<Index>? {
        var end = endIndex
        while let start = index(end, offsetBy: -text.count, limitedBy: startIndex) {
            if self[start..<end] == text { return start..<end }
            guard end > startIndex else { return nil }
            end = index(before: end)
        }
        return nil
    }
}
