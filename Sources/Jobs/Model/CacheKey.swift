/// The name of a cached result: 64 hexadecimal digits that stand for the job, its build, its inputs and who may share it.
public struct CacheKey: Sendable, Hashable, CustomStringConvertible {
    /// The digits.
    public let text: String

    /// Takes a key as it is, for example one that was stored.
    public init(_ text: String) {
        self.text = text
    }

    /// The same as ``text``.
    public var description: String { text }
}

/// The wish to keep a job's result for later starts with the same key.
public struct CacheStore: Sendable, Hashable {
    /// Under which name the result is kept.
    public var key: CacheKey
    /// How long it is kept after its last use, or nil for as long as there is room.
    public var expire: Duration?

    /// Makes the wish.
    public init(key: CacheKey, expire: Duration? = nil) {
        self.key = key
        self.expire = expire
    }
}
