/// Taking answers of scripts apart. What has another form is nil.
extension RedisValue {
    /// A number, or a text that is one.
    var number: Int? { integer ?? text.flatMap { Int($0) } }

    /// An element of an array; null where there is none.
    subscript(place: Int) -> RedisValue {
        guard case .array(let elements) = self, elements.indices.contains(place) else { return .null }
        return elements[place]
    }

    /// The texts of an array.
    var texts: [String] { elements?.compactMap(\.text) ?? [] }
}
