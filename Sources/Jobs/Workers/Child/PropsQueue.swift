internal import DashJSON

/// Properties that were set and not sent yet, in order. Of the values of one property only the newest is kept, so that the
/// queue is no longer than there are properties; Patches add up and are all kept.
struct PropsQueue: Sendable {
    private var entries: [Int: PropertyValue] = [:]
    private var places: [[String]: [Int]] = [:]
    private var next = 0
    /// How many bytes the values have together.
    private(set) var byteCount = 0

    /// Whether there is nothing to send.
    var isEmpty: Bool { entries.isEmpty }

    /// How many entries would be sent.
    var count: Int { entries.count }

    /// Adds what one call set.
    ///
    /// - Returns: false if the text is not an array of `[id, property, value]`; it is then left out.
    mutating func add(_ body: [UInt8]) -> Bool {
        guard let added = PropertyValue.list(from: body) else { return false }
        for entry in added { add(entry) }
        return true
    }

    private mutating func add(_ entry: PropertyValue) {
        let key = [entry.id, entry.property]
        if !entry.isPatch {
            for place in places.removeValue(forKey: key) ?? [] {
                byteCount -= entries.removeValue(forKey: place)?.value.bytes.count ?? 0
            }
        }
        entries[next] = entry
        byteCount += entry.value.bytes.count
        places[key, default: []].append(next)
        next += 1
    }

    /// Takes all as one JSON array.
    mutating func takeAll() -> [UInt8] {
        let values = entries.keys.sorted().compactMap { entries[$0] }
        self = PropsQueue()
        return values.jsonBytes()
    }
}
