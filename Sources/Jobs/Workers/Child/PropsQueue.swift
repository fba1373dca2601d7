/// Properties that were set and not sent yet, in order. Of the values of one property only the newest is kept, so that the
/// queue is no longer than there are properties; Patches add up and are all kept.
struct PropsQueue: Sendable {
    private var entries: [Int: PropsScanner.Entry] = [:]
    private var places: [[UInt8]: [Int]] = [:]
    private var next = 0
    /// How many bytes the entries have together.
    private(set) var byteCount = 0

    /// Whether there is nothing to send.
    var isEmpty: Bool { entries.isEmpty }

    /// How many entries would be sent.
    var count: Int { entries.count }

    /// Adds what one call set.
    ///
    /// - Returns: false if the text is not an array of `[id, property, value]`; it is then left out.
    mutating func add(_ body: [UInt8]) -> Bool {
        guard let added = PropsScanner.entries(body) else { return false }
        for entry in added { add(entry) }
        return true
    }

    private mutating func add(_ entry: PropsScanner.Entry) {
        if !entry.isPatch {
            for place in places.removeValue(forKey: entry.key) ?? [] {
                byteCount -= entries.removeValue(forKey: place)?.text.count ?? 0
            }
        }
        entries[next] = entry
        byteCount += entry.text.count
        places[entry.key, default: []].append(next)
        next += 1
    }

    /// Takes all as one JSON array.
    mutating func takeAll() -> [UInt8] {
        var text = [UInt8(ascii: "[")]
        for (index, place) in entries.keys.sorted().enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            text += entries[place]?.text ?? []
        }
        self = PropsQueue()
        return text + [UInt8(ascii: "]")]
    }
}
