/// What makes a value a Patch: a change to the value that a property has, in place of a new value.
///
/// The browser takes an object for one that has a member `__dash_patch_update`, at any place and with any value. Dash
/// writes `{"__dash_patch_update": "__dash_patch_update", "operations": […]}`.
package enum PatchMark {
    /// The member's name, and the value that Dash gives it.
    package static let name = "__dash_patch_update"
}

extension JSON {
    /// Whether the value is a Patch.
    package var isPatch: Bool {
        if case .object(let members) = self { members[PatchMark.name] != nil } else { false }
    }
}

extension RawJSON {
    /// Whether the value is a Patch. Its members are skipped, not parsed; of a value in which the mark cannot be, such as a
    /// large figure, not even that.
    package var isPatch: Bool {
        guard bytes.first(where: { !JSONScanner.isSpace($0) }) == UInt8(ascii: "{"), mayHoldMark else { return false }
        let isPatch = try? JSONScanner.read(bytes[...]) { scanner throws(JSONError) in
            var isFound = false
            try scanner.members { scanner, name throws(JSONError) in
                try scanner.value()
                if try scanner.string(at: name) == PatchMark.name { isFound = true }
            }
            return isFound
        }
        return isPatch ?? false
    }

    /// Whether the mark stands anywhere in the text, or an escape, by which a name may be written in another way.
    private var mayHoldMark: Bool {
        bytes.withUnsafeBufferPointer { text in
            var place = 0
            while place < text.count {
                if text[place] == UInt8(ascii: "\\") { return true }
                if text[place] == UInt8(ascii: "_"), text[place...].starts(with: PatchMark.name.utf8) { return true }
                place &+= 1
            }
            return false
        }
    }
}
