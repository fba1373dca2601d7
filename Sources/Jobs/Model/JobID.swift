internal import Support

/// The identity of one job: a UUID of version 7, so that later ids sort after earlier ones.
///
/// Ids are unguessable but not secret: what a browser gets is a signed handle, never a bare id.
public struct JobID: Hashable, Sendable {
    private let id: UniqueID

    private init(_ id: UniqueID) { self.id = id }

    /// A fresh id, made from the time in milliseconds and 74 random bits.
    public static var new: JobID { JobID(.timeOrdered()) }

    /// Reads the text form of any UUID, in lower or upper case.
    ///
    /// - Parameter text: 36 characters, as `0192f3c4-…`. Anything else gives nil.
    public init?(_ text: String) {
        guard let id = UniqueID(text) else { return nil }
        self.init(id)
    }

    /// The 36 characters of the UUID, in lower case.
    public var text: String { id.text }
}

extension JobID: CustomStringConvertible, Comparable {
    /// The same as ``text``.
    public var description: String { text }

    /// The order of the ids' texts, which is the order in which they were made, to the millisecond.
    public static func < (left: JobID, right: JobID) -> Bool {
        left.id < right.id
    }
}
