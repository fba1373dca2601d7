/// The ends of tasks that are to be told: a value without I/O.
///
/// A worker that has more to do than it can says much with few words: there an end waits for others, for a moment. All else
/// is told at once, and takes along what waits.
struct GatheredEnds {
    /// What is to follow from an addition.
    enum Next: Hashable {
        /// Others have seen to it, or will.
        case nothing
        /// They are to be told.
        case tell
        /// They are to be told after ``patience``.
        case tellLater
    }

    /// An end waits no longer than so many milliseconds for others.
    static let patience: Int64 = 1
    /// So many wait for no more.
    static let most = 32

    private var ends: [TaskEnd] = []
    private(set) var isDue = false
    private var isAwaited = false

    var isEmpty: Bool { ends.isEmpty }

    mutating func add(_ end: TaskEnd) -> Next {
        ends.append(end)
        if end.mayWait, ends.count < Self.most {
            guard !isDue, !isAwaited else { return .nothing }
            isAwaited = true
            return .tellLater
        }
        defer { isDue = true }
        return isDue ? .nothing : .tell
    }

    /// The patience is over: gives whether there is something to tell that nobody has seen to.
    mutating func timePassed() -> Bool {
        isAwaited = false
        guard !ends.isEmpty, !isDue else { return false }
        isDue = true
        return true
    }

    /// Takes all, in their order, if it is time.
    mutating func take() -> [TaskEnd] {
        guard isDue else { return [] }
        isDue = false
        defer { ends = [] }
        return ends
    }

    /// Nothing waits any more.
    mutating func hurry() { isDue = true }
}
