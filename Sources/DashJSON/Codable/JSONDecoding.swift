/// The decoder for a type's `init(from:)`.
struct JSONDecoding: Decoder {
    let json: JSON
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard let object = json.objectValue else { throw mismatch(Key.self, "an object") }
        return KeyedDecodingContainer(KeyedMembers(object: object, codingPath: codingPath))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard let elements = json.arrayValue else { throw mismatch([JSON].self, "an array") }
        return Elements(elements: elements, codingPath: codingPath)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { SingleJSON(decoding: self) }

    func value<Value: Decodable>(_ type: Value.Type) throws -> Value {
        guard let leaf = type as? any JSONLeaf.Type else { return try Value(from: self) }
        do {
            if let value = try leaf.init(json: json) as? Value { return value }
        } catch let error as JSONError {
            throw DecodingError.typeMismatch(type, context(error.message))
        }
        return try Value(from: self)
    }

    func context(_ sentence: String) -> DecodingError.Context {
        DecodingError.Context(codingPath: codingPath, debugDescription: sentence)
    }

    private func mismatch(_ type: any Any.Type, _ expected: String) -> DecodingError {
        .typeMismatch(type, context(JSONError.mismatch(expected: expected, found: json).message))
    }
}

// The generic `decode` of each container also implements the requirements for the number types.

private struct KeyedMembers<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let object: JSONObject
    let codingPath: [any CodingKey]
    var allKeys: [Key] { object.compactMap { Key(stringValue: $0.key) } }

    func contains(_ key: Key) -> Bool { object[key.stringValue] != nil }

    func decodeNil(forKey key: Key) throws -> Bool { try decoding(key).json.isNull }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value { try decoding(key).value(type) }

    func nestedContainer<Inner: CodingKey>(
        keyedBy type: Inner.Type,
        forKey key: Key
    ) throws -> KeyedDecodingContainer<Inner> {
        try decoding(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try decoding(key).unkeyedContainer()
    }

    func superDecoder() -> any Decoder { JSONDecoding(json: object["super"] ?? .null, codingPath: codingPath) }

    func superDecoder(forKey key: Key) throws -> any Decoder { try decoding(key) }

    private func decoding(_ key: Key) throws -> JSONDecoding {
        guard let json = object[key.stringValue] else {
            let sentence = "Missing member \(key.stringValue)."
            let context = DecodingError.Context(codingPath: codingPath, debugDescription: sentence)
            throw DecodingError.keyNotFound(key, context)
        }
        return JSONDecoding(json: json, codingPath: codingPath + [key])
    }
}

private struct Elements: UnkeyedDecodingContainer {
    let elements: [JSON]
    let codingPath: [any CodingKey]
    var currentIndex = 0

    var count: Int? { elements.count }
    var isAtEnd: Bool { currentIndex >= elements.count }

    mutating func decodeNil() throws -> Bool {
        guard try next(JSON?.self).json.isNull else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let value = try next(type).value(type)
        currentIndex += 1
        return value
    }

    mutating func nestedContainer<Inner: CodingKey>(keyedBy type: Inner.Type) throws -> KeyedDecodingContainer<Inner> {
        defer { currentIndex += 1 }
        return try next(type).container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        defer { currentIndex += 1 }
        return try next([JSON].self).unkeyedContainer()
    }

    mutating func superDecoder() throws -> any Decoder {
        defer { currentIndex += 1 }
        return try next(JSON.self)
    }

    private func next(_ type: any Any.Type) throws -> JSONDecoding {
        let path = codingPath + [IndexKey(currentIndex)]
        guard !isAtEnd else {
            let sentence = "The list has only \(elements.count) elements."
            throw DecodingError.valueNotFound(type, DecodingError.Context(codingPath: path, debugDescription: sentence))
        }
        return JSONDecoding(json: elements[currentIndex], codingPath: path)
    }
}

private struct SingleJSON: SingleValueDecodingContainer {
    let decoding: JSONDecoding
    var codingPath: [any CodingKey] { decoding.codingPath }

    func decodeNil() -> Bool { decoding.json.isNull }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try decoding.value(type) }
}
