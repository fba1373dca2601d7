/// The encoder for a value's `encode(to:)`.
struct NodeEncoder: Encoder {
    let node: EncodingNode
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        node.becomeObject()
        return KeyedEncodingContainer(KeyedNode(node: node, codingPath: codingPath))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        node.becomeArray()
        return UnkeyedNode(node: node, codingPath: codingPath)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { SingleNode(node: node, codingPath: codingPath) }
}

// The generic `encode` of each container also implements the requirements for the number types.

private struct KeyedNode<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let node: EncodingNode
    let codingPath: [any CodingKey]

    func encodeNil(forKey key: Key) { _ = node.member(key.stringValue) }

    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
        try node.member(key.stringValue).encode(value, at: codingPath + [key])
    }

    func nestedContainer<Inner: CodingKey>(keyedBy: Inner.Type, forKey key: Key) -> KeyedEncodingContainer<Inner> {
        encoder(key).container(keyedBy: Inner.self)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { encoder(key).unkeyedContainer() }

    func superEncoder() -> any Encoder { NodeEncoder(node: node.member("super"), codingPath: codingPath) }

    func superEncoder(forKey key: Key) -> any Encoder { encoder(key) }

    private func encoder(_ key: Key) -> NodeEncoder {
        NodeEncoder(node: node.member(key.stringValue), codingPath: codingPath + [key])
    }
}

private struct UnkeyedNode: UnkeyedEncodingContainer {
    let node: EncodingNode
    let codingPath: [any CodingKey]
    var count: Int { node.count }

    func encodeNil() { _ = node.element() }

    func encode<Value: Encodable>(_ value: Value) throws {
        try node.element().encode(value, at: codingPath + [IndexKey(count)])
    }

    func nestedContainer<Inner: CodingKey>(keyedBy: Inner.Type) -> KeyedEncodingContainer<Inner> {
        encoder().container(keyedBy: Inner.self)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { encoder().unkeyedContainer() }

    func superEncoder() -> any Encoder { encoder() }

    private func encoder() -> NodeEncoder {
        NodeEncoder(node: node.element(), codingPath: codingPath + [IndexKey(count)])
    }
}

private struct SingleNode: SingleValueEncodingContainer {
    let node: EncodingNode
    let codingPath: [any CodingKey]

    // A new node is already null.
    func encodeNil() {}

    func encode<Value: Encodable>(_ value: Value) throws { try node.encode(value, at: codingPath) }
}

/// An index in a list, for coding paths.
struct IndexKey: CodingKey {
    let index: Int

    init(_ index: Int) { self.index = index }
    init(intValue: Int) { index = intValue }
    init?(stringValue: String) { return nil }

    var intValue: Int? { index }
    var stringValue: String { "\(index)" }
}

/// A value under construction: `Codable` fills containers incrementally and may hold several at once.
final class EncodingNode {
    private enum Content {
        case value(JSON)
        case array([EncodingNode])
        case object([(key: String, value: EncodingNode)])
    }

    private var content = Content.value(.null)

    /// The number of elements in an array so far.
    var count: Int {
        if case .array(let elements) = content { elements.count } else { 0 }
    }

    /// The value encoded so far.
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

    func element() -> EncodingNode {
        let node = EncodingNode()
        guard case .array(var elements) = content else { return node }
        content = .value(.null)  // Avoids a copy of the list.
        elements.append(node)
        content = .array(elements)
        return node
    }

    func member(_ key: String) -> EncodingNode {
        let node = EncodingNode()
        guard case .object(var members) = content else { return node }
        content = .value(.null)  // Avoids a copy of the list.
        members.append((key, node))
        content = .object(members)
        return node
    }

    func encode<Value: Encodable>(_ value: Value, at codingPath: [any CodingKey]) throws {
        // `Encodable` has no requirement for this.
        if let leaf = value as? any JSONLeaf {
            content = .value(leaf.json)
            return
        }
        try value.encode(to: NodeEncoder(node: self, codingPath: codingPath))
        // Dictionaries with string keys.
        if value is any StringKeyed { sortMembers() }
    }

    /// Sorts members by name, as the order of a dictionary differs between runs.
    private func sortMembers() {
        guard case .object(let members) = content else { return }
        content = .object(members.sorted { $0.key < $1.key })
    }
}

private protocol StringKeyed {}
extension Dictionary: StringKeyed where Key == String {}
