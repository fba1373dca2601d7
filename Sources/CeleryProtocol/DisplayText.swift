package import DashJSON

extension RawJSON {
    /// The JSON text for display, cut after 1024 characters. Only the beginning of a large text is read.
    package var displayText: String {
        // A character has at most 4 bytes, so only the character after the cut can be incomplete.
        let length = 1024
        let text = String(decoding: bytes.prefix(4 * length + 4), as: UTF8.self).unicodeScalars
        return text.count > length ? String(text.prefix(length)) + "..." : String(text)
    }
}

// MARK: - Null

extension JSON {
    package static func string(orNull text: String?) -> JSON {
        text.map { .string($0) } ?? .null
    }

    package static func int(orNull number: Int?) -> JSON {
        number.map { .int($0) } ?? .null
    }

    package static func double(orNull number: Double?) -> JSON {
        number.map { .double($0) } ?? .null
    }
}
