/// The members of a JSON object in insertion order.
///
/// Equality ignores the order. Names compare as Swift strings. Lookup and insertion take amortized constant time;
/// removal is linear in the number of members.
public struct JSONObject: Sendable {
    /// A name and its value.
    public typealias Member = (key: String, value: JSON)

    /// Up to this number of members, a linear search is faster than hashing.
    static let largestWithoutIndex = 32

    private(set) var members: [Member]
    /// The index of each name; empty for few members.
    private var places: [String: Int]

    /// Creates an empty object.
    public init() {
        members = []
        places = [:]
    }

    /// Creates an object from members; of several with one name the last value wins, at the position of the first.
    public init(_ members: some Sequence<Member>) {
        self.init()
        reserveCapacity(members.underestimatedCount)
        for (key, value) in members { self[key] = value }
    }

    /// Takes members that may repeat names: the last value wins, at the position of the first.
    init(lastOfEachName members: consuming [Member]) {
        self.init()
        self.members = members
        guard hasRepeatedName() else { return }
        let all = self.members
        self = JSONObject(all)
    }

    /// The value of the member `key`; nil if it is missing. Setting nil removes the member.
    public subscript(key: String) -> JSON? {
        get {
            place(of: key).map { members[$0].value }
        }
        set {
            switch (place(of: key), newValue) {
            case (let place?, let value?): members[place].value = value
            case (let place?, nil): remove(at: place)
            case (nil, let value?): append(key, value)
            case (nil, nil): break
            }
        }
    }

    /// Appends a member without checking for its name; the name must be new.
    public mutating func append(_ key: String, _ value: JSON) {
        members.append((key, value))
        if !places.isEmpty {
            places[key] = members.count - 1
        } else if members.count > Self.largestWithoutIndex {
            indexPlaces()
        }
    }

    /// Reserves space for `count` members in total.
    public mutating func reserveCapacity(_ count: Int) {
        members.reserveCapacity(count)
    }

    /// Checks for repeated names; builds the index if there are many members.
    private mutating func hasRepeatedName() -> Bool {
        if members.count > Self.largestWithoutIndex {
            indexPlaces()
            return places.count < members.count
        }
        for place in members.indices.dropFirst() {
            let key = members[place].key
            for earlier in 0..<place where members[earlier].key == key { return true }
        }
        return false
    }

    private func place(of key: String) -> Int? {
        places.isEmpty ? members.firstIndex { $0.key == key } : places[key]
    }

    private mutating func remove(at place: Int) {
        members.remove(at: place)
        places = [:]
        if members.count > Self.largestWithoutIndex { indexPlaces() }
    }

    private mutating func indexPlaces() {
        places.reserveCapacity(members.count)
        for (place, member) in members.enumerated() { places[member.key] = place }
    }
}

extension JSONObject: Sequence {
    /// The number of members.
    public var count: Int { members.count }

    /// Whether there are no members.
    public var isEmpty: Bool { members.isEmpty }

    /// The names in order.
    public var keys: [String] { members.map(\.key) }

    /// The values in the order of their names.
    public var values: [JSON] { members.map(\.value) }

    /// The number of members, for `Sequence`.
    public var underestimatedCount: Int { members.count }

    /// Iterates over the members in order.
    public func makeIterator() -> IndexingIterator<[Member]> {
        members.makeIterator()
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    /// `["name": 1]`; of several members with one name the last wins.
    public init(dictionaryLiteral elements: (String, JSON)...) {
        self.init(elements)
    }
}

extension JSONObject: CustomStringConvertible {
    /// The object's JSON text.
    public var description: String { jsonText }
}

extension JSONObject: Hashable {
    /// Whether both have the same names and values, in any order.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        guard left.count == right.count else { return false }
        return left.members.indices.allSatisfy { place in
            let member = left.members[place]
            let other = right.members[place]
            // Objects of equal origin have their members in the same order, which saves the search.
            if member.key == other.key { return member.value == other.value }
            return right[member.key] == member.value
        }
    }

    /// Hashes the members independently of their order.
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

extension JSONObject: JSONEncodable, JSONDecodable {
    /// Decodes an object.
    public init(json: JSON) throws {
        guard case .object(let object) = json else { throw JSONError.mismatch(expected: "an object", found: json) }
        self = object
    }

    /// The object as a value.
    public var json: JSON { .object(self) }

    /// Writes the members in order.
    public func encode(to writer: inout JSONWriter) {
        writer.object { object in
            for (key, value) in members { object.member(key, value) }
        }
    }
}

extension JSONObject: JSONLeaf {}

extension JSONObject: Codable {
    /// Decodes an object.
    ///
    /// - Throws: `DecodingError` for other values.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: MemberKey.self)
        self.init(try container.allKeys.map { ($0.name, try container.decode(JSON.self, forKey: $0)) })
    }

    /// Encodes the members in order.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: MemberKey.self)
        for (key, value) in self { try container.encode(value, forKey: MemberKey(name: key)) }
    }
}
