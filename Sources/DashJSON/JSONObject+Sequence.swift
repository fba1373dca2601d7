extension JSONObject: Sequence {
    /// The number of members.
    public var count: Int { members.count }

    /// Whether there is no member.
    public var isEmpty: Bool { members.isEmpty }

    /// The names in order.
    public var keys: [String] { members.map(\.key) }

    /// The values in the order of their names.
    public var values: [JSON] { members.map(\.value) }

    /// The number of members, for `Sequence`.
    public var underestimatedCount: Int { members.count }

    /// Goes through the members in order.
    public func makeIterator() -> IndexingIterator<[Member]> {
        members.makeIterator()
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    /// `["name": 1]`; of two members of one name the last wins.
    public init(dictionaryLiteral elements: (String, JSON)...) {
        self.init(elements)
    }
}

extension JSONObject: CustomStringConvertible {
    /// The object's JSON text.
    public var description: String { jsonText }
}

extension JSONObject: Hashable {
    /// Whether both have the same names with equal values, in any order.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        guard left.count == right.count else { return false }
        return left.members.indices.allSatisfy { place in
            let member = left.members[place]
            let other = right.members[place]
            // Objects made alike have their members in one order: no search then.
            if member.key == other.key { return member.value == other.value }
            return right[member.key] == member.value
        }
    }

    /// Feeds the members so that their order makes no difference.
    public func hash(into hasher: inout Hasher) {
        var sum = 0
        for (key, value) in members {
            var member = Hasher()
            member.combine(key)
            member.combine(value)
            sum &+= member.finalize()
        }
        hasher.combine(sum)
    }
}
