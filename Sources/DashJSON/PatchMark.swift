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
    /// Whether the value is a Patch. Its members are skipped, not parsed.
    package var isPatch: Bool {
        guard bytes.first(where: { !JSONScanner.isSpace($0) }) == UInt8(ascii: "{") else { return false }
        var isPatch = false
        try? JSONScanner.read(bytes[...]) { scanner throws(JSONError) in
            try scanner.members { scanner, name throws(JSONError) in
                try scanner.value()
                if try scanner.string(at: name) == PatchMark.name { isPatch = true }
            }
        }
        return isPatch
    }
}
