import Dash

/// The component by which the wildcards of a call are decided: one of its outputs, or the input that changed.
struct WildcardReference: Sendable, Hashable {
    /// The id in the callback, with its wildcards.
    var pattern: ComponentID
    /// The id of the component.
    var id: ComponentID

    /// What each `match` of the pattern stands for, as a text that tells calls apart; empty where there is none.
    var matchText: String {
        let values = pattern.keys.filter { pattern.members[$0] == .match }.compactMap { id.members[$0]?.json }
        return values.isEmpty ? "" : values.map(\.text).joined(separator: ",")
    }
}

extension ComponentID {
    /// The one id that this id of a callback stands for in a call; nil where there may be several. It spares looking through
    /// all components.
    func onlyID(in reference: WildcardReference?) -> ComponentID? {
        guard hasWildcard else { return self }
        guard let reference else { return nil }
        var values = members
        for (key, value) in members where value.wildcardName != nil {
            guard value == .match, reference.pattern.members[key] == .match, let found = reference.id.members[key]
            else {
                return nil
            }
            values[key] = found
        }
        return ComponentID(pattern: values)
    }

    /// Whether a component's id is one this id of a callback stands for, in a call that is decided by a reference.
    func stands(for other: ComponentID, in reference: WildcardReference?) -> Bool {
        guard !members.isEmpty else { return self == other }
        guard members.count == other.members.count else { return false }
        return members.allSatisfy { key, value in
            guard let found = other.members[key] else { return false }
            guard value.wildcardName != nil else { return value == found }
            guard let reference, value != .all else { return true }
            let wanted = value == .allSmaller ? -1 : reference.pattern.members[key] == .allSmaller ? 1 : 0
            return found.order(beside: reference.id.members[key]) == wanted
        }
    }
}

extension IDValue {
    /// -1 if this value comes before another, 1 if after, else 0: numbers and texts that are numbers first, then truth
    /// values, then texts.
    func order(beside other: IDValue?) -> Int {
        switch (number, other?.number) {
        case (let left?, let right?): return left < right ? -1 : left > right ? 1 : 0
        case (.some, nil): return -1
        case (nil, .some): return 1
        case (nil, nil): break
        }
        switch (self, other) {
        case (.bool(let left), .bool(let right)): return left == right ? 0 : right ? -1 : 1
        case (.bool, _): return -1
        case (_, .bool): return 1
        case (.string(let left), .string(let right)): return left < right ? -1 : left > right ? 1 : 0
        default: return 0
        }
    }

    private var number: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        case .string(let text): Double(text)
        default: nil
        }
    }
}
