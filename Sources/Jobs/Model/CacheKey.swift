internal import Crypto
public import DashJSON
internal import Support

/// The name of a cached result: 64 hexadecimal digits that stand for the job, its build, its inputs and who may share it.
public struct CacheKey: Sendable, Hashable, CustomStringConvertible {
    /// The digits.
    public let text: String

    /// Takes a key as it is, for example one that was stored.
    public init(_ text: String) {
        self.text = text
    }

    /// Makes the key of a job with its inputs. Equal inputs give equal keys: `1` and `1.0` are the same, and the order of
    /// an object's members does not matter.
    ///
    /// - Parameters:
    ///   - name: The job's name.
    ///   - build: What the program is: a result of another build is never taken.
    ///   - version: The job's version, see ``JobRequest/version``.
    ///   - arguments: The arguments that count.
    ///   - by: Further values that count, for example the id of a launch.
    ///   - scope: Who shares the result: empty for everybody, else for example an owner.
    public init(name: String, build: String, version: String, arguments: [JSON], by: [JSON] = [], scope: String = "") {
        let parts: JSON = .array([
            .string(name), .string(build), .string(version), .array(arguments), .array(by), .string(scope),
        ])
        text = Hexadecimal.text(SHA256.hash(data: parts.canonical()))
    }

    /// The same as ``text``.
    public var description: String { text }
}

/// The wish to keep a job's result for later starts with the same key.
///
/// Of several jobs with one key that are not finished only the first runs; the others wait for it and end as it does. Where
/// its end says nothing of theirs, because it was cancelled, crashed or was lost, the next of them runs in its place.
public struct CacheStore: Sendable, Hashable {
    /// Under which name the result is kept.
    public var key: CacheKey
    /// How long it is kept after its last use, or nil for as long as there is room.
    public var expire: Duration?
    /// Whether a start that finds a result under the key ends with that and runs nothing. It closes the gap between
    /// ``JobManager/cachedResult(for:)`` and the start, and is not kept with the job.
    public var usesKept: Bool

    /// Makes the wish.
    public init(key: CacheKey, expire: Duration? = nil, usesKept: Bool = false) {
        self.key = key
        self.expire = expire
        self.usesKept = usesKept
    }
}
