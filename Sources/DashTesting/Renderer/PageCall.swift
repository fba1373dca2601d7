import Dash
import DashJSON

/// One call of a callback, from the wish to run it to its end: for one choice of what its `match` stands for.
struct PageCall: Sendable {
    /// Why an input is among those that changed.
    enum Change: Int, Sendable {
        /// It is on the page anew, or a callback that may still change it is to run.
        case indirect = 1
        /// It has changed.
        case direct = 2
    }

    /// What its request is known by; each call has its own.
    var number = 0
    /// The place of its callback among all.
    let callback: Int
    let reference: WildcardReference?
    /// Tells calls of one callback apart.
    let matchText: String
    /// The inputs that changed, in order.
    var changed: [(ref: PropertyRef, change: Change)] = []
    var isInitial = false
    /// The callbacks whose results led here, so that circles end.
    var predecessors: [Int] = []
    /// The change of the layout that it is an initial call of; those of one change drop each other when nothing changed.
    var group: Int?

    /// The same text for calls of which only the last counts.
    var identity: String { "\(callback)\n\(matchText)" }

    mutating func add(_ ref: PropertyRef, _ change: Change) {
        if let place = changed.firstIndex(where: { $0.ref == ref }) {
            if change.rawValue > changed[place].change.rawValue { changed[place].change = change }
        } else {
            changed.append((ref, change))
        }
    }

    /// This call with the changes of another one of the same identity.
    func merging(_ other: PageCall) -> PageCall {
        var merged = self
        for (ref, change) in other.changed { merged.add(ref, change) }
        merged.isInitial = isInitial || other.isInitial
        return merged
    }
}
