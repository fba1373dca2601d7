extension ComponentID {
    /// True if one component may be meant by both: they are equal, or patterns with the same keys whose constants do not
    /// tell them apart.
    func overlaps(_ other: ComponentID) -> Bool {
        guard case .pattern(let own) = form, case .pattern(let others) = other.form else { return self == other }
        guard own.count == others.count else { return false }
        return own.allSatisfy { key, value in
            guard let found = others[key] else { return false }
            return value == found || value.wildcardName != nil || found.wildcardName != nil
        }
    }

    /// The keys whose value is `allSmaller`.
    var allSmallerKeys: Set<String> { Set(members.filter { $0.value == .allSmaller }.keys) }
}

extension PropertyRef {
    /// True if one property of one component may be meant by both.
    func overlaps(_ other: PropertyRef) -> Bool { property == other.property && id.overlaps(other.id) }
}
