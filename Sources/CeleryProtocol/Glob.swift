/// Shell patterns as in Python's `fnmatch`: `*`, `?`, `[abc]`, `[a-z]`, `[!abc]`.
enum Glob {
    /// Whether a pattern matches the whole text.
    static func matches(_ pattern: String, _ text: String) -> Bool {
        matches(Array(pattern)[...], Array(text)[...])
    }

    private static func matches(_ pattern: ArraySlice<Character>, _ text: ArraySlice<Character>) -> Bool {
        var pattern = pattern
        var text = text
        // Where to continue when the last star has to match one more character.
        var star: (pattern: ArraySlice<Character>, text: ArraySlice<Character>)?
        while true {
            if pattern.first == "*" {
                pattern = pattern.dropFirst()
                star = (pattern, text)
            } else if let character = text.first, let rest = afterOne(pattern, character) {
                pattern = rest
                text = text.dropFirst()
            } else if text.isEmpty, pattern.isEmpty {
                return true
            } else if let again = star, !again.text.isEmpty {
                pattern = again.pattern
                text = again.text.dropFirst()
                star = (pattern, text)
            } else {
                return false
            }
        }
    }

    /// The rest of a pattern after it has matched a character; nil if it does not match.
    private static func afterOne(_ pattern: ArraySlice<Character>, _ character: Character) -> ArraySlice<Character>? {
        guard let first = pattern.first else { return nil }
        if first == "?" { return pattern.dropFirst() }
        if first == "[", let set = CharacterSet(pattern.dropFirst()) {
            return set.contains(character) ? set.rest : nil
        }
        return first == character ? pattern.dropFirst() : nil
    }

    /// The characters between brackets.
    private struct CharacterSet {
        var isNegated: Bool
        var characters: ArraySlice<Character>
        var rest: ArraySlice<Character>

        /// Nil without a closing bracket: the opening one is then literal.
        init?(_ pattern: ArraySlice<Character>) {
            var inner = pattern
            isNegated = inner.first == "!"
            if isNegated { inner = inner.dropFirst() }
            // A closing bracket in first position is literal.
            guard let end = inner.dropFirst().firstIndex(of: "]") else { return nil }
            characters = inner[..<end]
            rest = inner[(end + 1)...]
        }

        func contains(_ character: Character) -> Bool {
            var left = characters
            while let low = left.popFirst() {
                if left.first == "-", let high = left.dropFirst().first {
                    if low <= high, (low...high).contains(character) { return !isNegated }
                    left = left.dropFirst(2)
                } else if low == character {
                    return !isNegated
                }
            }
            return isNegated
        }
    }
}
