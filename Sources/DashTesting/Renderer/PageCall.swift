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
    private(set) var changed: [(ref: PropertyRef, change: Change)] = []
    /// Where each of them is, for a list of components may have changed as a whole.
    private var places: [PropertyRef: Int] = [:]
    var isInitial = false
    /// The callbacks whose results led here, so that circles end.
    var predecessors: [Int] = []
    /// The change of the layout that it is an initial call of; those of one change drop each other when nothing changed.
    var group: Int?

    init(callback: Int, reference: WildcardReference?, matchText: String) {
        self.callback = callback
        self.reference = reference
        self.matchText = matchText
    }

    /// The same text for calls of which only the last counts.
    var identity: String { "\(callback)\n\(matchText)" }

    mutating func add(_ ref: PropertyRef, _ change: Change) {
        if let place = places[ref] {
            if change.rawValue > changed[place].change.rawValue { changed[place].change = change }
        } else {
            places[ref] = changed.count
            changed.append((ref, change))
        }
    }

    /// Forgets changes.
    mutating func removeChanges(where isOver: (PropertyRef) -> Bool = { _ in true }) {
        let kept = changed.filter { !isOver($0.ref) }
        (changed, places) = ([], [:])
        for (ref, change) in kept { add(ref, change) }
    }

    /// This call with the changes of another one of the same identity.
    func merging(_ other: PageCall) -> PageCall {
        var merged = self
        for (ref, change) in other.changed { merged.add(ref, change) }
        merged.isInitial = isInitial || other.isInitial
        return merged
    }
}
