extension ComponentID {
    /// The values of a pattern id; empty for a plain one.
    package var members: [String: IDValue] {
        if case .pattern(let members) = form { members } else { [:] }
    }

    /// True if a value is a wildcard.
    package var hasWildcard: Bool { members.values.contains { $0.wildcardName != nil } }

    /// True if the id stands for a list of components (`all` or `allSmaller`).
    package var standsForList: Bool { members.values.contains(where: \.standsForList) }

    /// The keys whose value is `match`.
    package var matchKeys: Set<String> { Set(members.filter { $0.value == .match }.keys) }

    /// The id with constants in the place of `match`, where there are any for its keys.
    func matched(by values: [String: IDValue]) -> ComponentID {
        guard !matchKeys.isEmpty else { return self }
        return ComponentID(
            pattern: Dictionary(
                uniqueKeysWithValues: members.map { key, value in
                    (key, value == .match ? values[key] ?? value : value)
                }
            )
        )
    }

    /// True if `other`, an id of a real component, is this id or one this pattern stands for.
    func stands(for other: ComponentID) -> Bool {
        guard case .pattern(let pattern) = form, case .pattern(let values) = other.form else { return self == other }
        guard pattern.count == values.count else { return false }
        return pattern.allSatisfy { key, value in
            guard let found = values[key], found.wildcardName == nil else { return false }
            return value.wildcardName != nil || value == found
        }
    }
}
