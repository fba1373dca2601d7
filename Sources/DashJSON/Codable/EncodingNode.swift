/// A value in the making: `Codable` fills containers piece by piece, and may hold several of them at once.
final class EncodingNode {
    private enum Content {
        case value(JSON)
        case array([EncodingNode])
        case object([(key: String, value: EncodingNode)])
    }

    private var content = Content.value(.null)

    /// How many elements an array has so far.
    var count: Int {
        if case .array(let elements) = content { elements.count } else { 0 }
    }

    /// What was encoded so far.
    var json: JSON {
        switch content {
        case .value(let json): json
        case .array(let elements): .array(elements.map(\.json))
        case .object(let members): .object(JSONObject(members.map { ($0.key, $0.value.json) }))
        }
    }

    func becomeArray() {
        if case .value = content { content = .array([]) }
    }

    func becomeObject() {
        if case .value = content { content = .object([]) }
    }

    /// A new element.
    func element() -> EncodingNode {
        let node = EncodingNode()
        guard case .array(var elements) = content else { return node }
        content = .value(.null)  // or the list would be copied
        elements.append(node)
        content = .array(elements)
        return node
    }

    /// A new member.
    func member(_ key: String) -> EncodingNode {
        let node = EncodingNode()
        guard case .object(var members) = content else { return node }
        content = .value(.null)  // or the list would be copied
        members.append((key, node))
        content = .object(members)
        return node
    }

    func encode<Value: Encodable>(_ value: Value, at codingPath: [any CodingKey]) throws {
        // What `Codable` hands over may be of any type.
        if let leaf = value as? any JSONLeaf {
            content = .value(leaf.json)
            return
        }
        try value.encode(to: NodeEncoder(node: self, codingPath: codingPath))
        // Only dictionaries of any type with names as keys.
        if value is any StringKeyed { sortMembers() }
    }

    /// A dictionary's own order differs from run to run.
    private func sortMembers() {
        guard case .object(let members) = content else { return }
        content = .object(members.sorted { $0.key < $1.key })
    }
}

private protocol StringKeyed {}
extension Dictionary: StringKeyed where Key == String {}
