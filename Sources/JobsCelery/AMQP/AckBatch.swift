/// What a turn of the loop has to say about deliveries of one channel, in as few frames as possible: acknowledgements of
/// which none older is missing are said in one.
struct AckBatch {
    enum Frame: Hashable {
        case acknowledge(UInt64, multiple: Bool)
        case reject(UInt64, requeue: Bool)
    }

    /// Delivered on the channel and not settled.
    private var unsettled: Set<UInt64> = []
    /// No delivery before this one is unsettled.
    private var oldest: UInt64 = 1
    private var newest: UInt64 = 0
    private var acknowledged: [UInt64] = []
    private var rejected: [Frame] = []

    var isEmpty: Bool { acknowledged.isEmpty && rejected.isEmpty }

    mutating func delivered(_ number: UInt64) {
        unsettled.insert(number)
        newest = max(newest, number)
    }

    mutating func acknowledge(_ number: UInt64) {
        if unsettled.remove(number) != nil { acknowledged.append(number) }
    }

    mutating func reject(_ number: UInt64, requeue: Bool) {
        if unsettled.remove(number) != nil { rejected.append(.reject(number, requeue: requeue)) }
    }

    /// What to send, in order: refusals come first, so that they are not covered by an acknowledgement of several.
    mutating func take() -> [Frame] {
        while oldest <= newest, !unsettled.contains(oldest) { oldest += 1 }
        let covered = acknowledged.filter { $0 < oldest }
        var frames = rejected
        if covered.count > 1, let last = covered.max() {
            frames.append(.acknowledge(last, multiple: true))
            acknowledged.removeAll { $0 < oldest }
        }
        frames += acknowledged.map { .acknowledge($0, multiple: false) }
        (acknowledged, rejected) = ([], [])
        return frames
    }
}
