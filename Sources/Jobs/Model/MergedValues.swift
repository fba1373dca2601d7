import DashJSON

/// The newest value of each property, or the value and the patches after it, each with the number of its change. So there is
/// no more than there are properties, and Patches.
package struct MergedValues: Sendable {
    private struct Change: Sendable {
        var sequence: Int
        var value: RawJSON
    }

    private struct Place: Hashable, Sendable {
        var id: String
        var property: String
    }

    private var changes: [Place: [Change]] = [:]
    private var lastSequence = 0
    /// What the values take in memory, roughly.
    package private(set) var bytes = 0

    /// No values yet.
    package init() {}

    /// Whether it holds no values.
    package var isEmpty: Bool { changes.isEmpty }

    /// All values and patches, oldest first.
    package var values: [PropertyValue] { after(-1) }

    /// Takes values in the place of those before them, and patches in addition to them, in their order.
    package mutating func append(_ values: [PropertyValue]) {
        for value in values { merge(value, sequence: lastSequence + 1) }
    }

    /// Takes a value in the place of all before it, or a patch in addition to them.
    mutating func merge(_ new: PropertyValue, sequence: Int) {
        lastSequence = max(lastSequence, sequence)
        let place = Place(id: new.id, property: new.property)
        let change = Change(sequence: sequence, value: new.value)
        bytes += Self.size(of: change, at: place)
        if new.isPatch {
            changes[place, default: []].append(change)
        } else {
            for old in changes.updateValue([change], forKey: place) ?? [] {
                bytes -= Self.size(of: old, at: place)
            }
        }
    }

    /// All changes after a sequence, oldest first.
    func after(_ sequence: Int) -> [PropertyValue] {
        numbered(after: sequence).map(\.value)
    }

    /// All changes after a sequence with their numbers, oldest first.
    func numbered(after sequence: Int) -> [(sequence: Int, value: PropertyValue)] {
        var found: [(sequence: Int, value: PropertyValue)] = []
        for (place, list) in changes {
            for change in list where change.sequence > sequence {
                let value = PropertyValue(id: place.id, property: place.property, value: change.value)
                found.append((change.sequence, value))
            }
        }
        return found.sorted { $0.sequence < $1.sequence }
    }

    /// Forgets patches that the page is known to have.
    mutating func dropPatches(through sequence: Int) {
        for (place, list) in changes where list.count > 1 {
            // The first is a value, or a patch that is as old as the page's knowledge of it.
            let kept = list.filter { $0.sequence > sequence || $0.sequence == list[0].sequence }
            guard kept.count < list.count else { continue }
            bytes -= list.reduce(0) { $0 + Self.size(of: $1, at: place) }
            bytes += kept.reduce(0) { $0 + Self.size(of: $1, at: place) }
            changes[place] = kept
        }
    }

    private static func size(of change: Change, at place: Place) -> Int {
        change.value.bytes.count + place.id.utf8.count + place.property.utf8.count + 96
    }
}
