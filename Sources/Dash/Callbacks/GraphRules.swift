/// The rules for what callbacks set off in each other.
struct GraphRules {
    private let callbacks: [Callback]
    /// For each callback those that run when it has written its outputs.
    private let followers: [[Int]]

    init(_ callbacks: [Callback]) {
        self.callbacks = callbacks
        // By property, as most callbacks have nothing to do with one another.
        var readers: [String: [(place: Int, ref: PropertyRef)]] = [:]
        for (place, callback) in callbacks.enumerated() {
            for ref in callback.inputs { readers[ref.property, default: []].append((place, ref)) }
        }
        followers = callbacks.enumerated().map { place, callback in
            // An output that allows duplicates is how apps say that a circle is meant.
            let written = callback.outputs.filter { !$0.allowDuplicate }.map(\.ref)
            let found = written.flatMap { ref in
                (readers[ref.property] ?? []).filter { $0.place != place && $0.ref.overlaps(ref) }.map(\.place)
            }
            return Array(Set(found)).sorted()
        }
    }

    var findings: [Finding] { circles + sideCircles }

    /// Circles of several callbacks; one that reads what it writes is fine, for it does not set off itself.
    private var circles: [Finding] {
        var findings: [Finding] = []
        var reported: Set<Int> = []
        for start in callbacks.indices where !reported.contains(start) {
            guard let path = path(from: followers[start], to: start) else { continue }
            reported.formUnion(path)
            let others = path.dropLast().map { callbacks[$0].location.description }.joined(separator: ", ")
            findings.append(
                Finding(
                    location: callbacks[start].location,
                    sentence: """
                        The callback sets itself off again by way of \(others): make one callback of them, or let one \
                        read a State instead of an Input.
                        """
                )
            )
        }
        return findings
    }

    /// What is shown while a callback runs must not run it again, at however many steps (defect 20).
    private var sideCircles: [Finding] {
        callbacks.enumerated().flatMap { place, callback -> [Finding] in
            let shown = (callback.background?.progress ?? []).map { ($0, "progress:") }
            let sides = callback.running.map { ($0.ref, "running:") } + shown
            return sides.compactMap { ref, what in
                let first = callbacks.indices.filter { other in callbacks[other].inputs.contains { $0.overlaps(ref) } }
                guard first.contains(place) || path(from: first, to: place) != nil else { return nil }
                return Finding(
                    location: callback.location,
                    sentence: """
                        \(ref) is set by \(what) and runs the callback itself, so it would start itself again for ever: \
                        show it elsewhere, or read a State.
                        """
                )
            }
        }
    }

    /// A way along the followers, its end included; nil if there is none.
    private func path(from starts: [Int], to end: Int) -> [Int]? {
        var before: [Int: Int?] = [:]
        var queue = starts
        for start in starts { before[start] = .some(nil) }
        while let place = queue.first {
            queue.removeFirst()
            if place == end { break }
            for next in followers[place] where before[next] == nil {
                before[next] = place
                queue.append(next)
            }
        }
        guard before[end] != nil else { return nil }
        var path = [end]
        while let step = path.first, let earlier = before[step] ?? nil { path.insert(earlier, at: 0) }
        return path
    }
}
