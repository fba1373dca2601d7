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

/// The rules for patterns in one callback (docs/protocol.md, Pattern ids).
enum WildcardRules {
    static func sentences(for callback: Callback) -> [String] {
        outputs(callback) + inputs(callback) + running(callback) + background(callback)
    }

    private static func outputs(_ callback: Callback) -> [String] {
        let refs = callback.outputs.map(\.ref)
        var sentences = refs.filter { !$0.id.allSmallerKeys.isEmpty }.map {
            "\($0) is an Output with allSmaller: use match or all there."
        }
        if Set(refs.map(\.id.matchKeys)).count > 1 {
            sentences.append("The Outputs have match at different keys: each of them needs the same ones.")
        }
        for (place, ref) in refs.enumerated() {
            for earlier in refs[..<place] where earlier != ref && earlier.overlaps(ref) {
                sentences.append("\(earlier) and \(ref) may be the same property: make the patterns differ.")
            }
        }
        return sentences
    }

    private static func inputs(_ callback: Callback) -> [String] {
        let known = callback.outputs.first?.ref.id.matchKeys ?? []
        let fired = callback.inputs.reduce(into: Set<String>()) { $0.formUnion($1.id.matchKeys) }
        return callback.slots.flatMap { slot -> [String] in
            let ref = slot.ref
            var sentences: [String] = []
            if !known.isEmpty && !ref.id.matchKeys.isSubset(of: known) {
                sentences.append("\(ref) has a match that the Outputs do not have: give them the same one.")
            } else if slot.isState && !ref.id.matchKeys.isSubset(of: known.union(fired)) {
                sentences.append("\(ref) is a State with a match that no Output and no Input has: give one the same.")
            }
            if !ref.id.allSmallerKeys.isSubset(of: known) {
                sentences.append("\(ref) has allSmaller, which needs an Output with match at the same key.")
            }
            return sentences
        }
    }

    /// The browser knows what `match` stands for in `running:` only from the input that has changed.
    private static func running(_ callback: Callback) -> [String] {
        var sentences = callback.running.filter(\.isList).map { everyNeeded($0.ref, "running:") }
        let keys = callback.running.reduce(into: Set<String>()) { $0.formUnion($1.ref.id.matchKeys) }
        if keys.isEmpty { return sentences }
        if callback.preventInitialCall != .yes {
            sentences.append(
                "running: has a match, which the browser cannot tell when the page loads: add preventInitialCall: true."
            )
        }
        for ref in callback.inputs where !ref.id.matchKeys.isSuperset(of: keys) {
            sentences.append(
                "running: has a match that the Input \(ref) does not have: set one value for all by .every."
            )
        }
        return sentences
    }

    private static func background(_ callback: Callback) -> [String] {
        guard let options = callback.background else { return [] }
        let known = (callback.outputs.map(\.ref) + callback.slots.map(\.ref))
            .reduce(into: Set<String>()) { $0.formUnion($1.id.matchKeys) }
        let outputs = callback.wireOutputs.first?.id.matchKeys ?? []
        var sentences = options.progressLists.map { everyNeeded($0, "progress:") }
        for ref in options.progress where !ref.id.matchKeys.isSubset(of: known) {
            sentences.append(
                "\(ref) shows progress and has a match that no Output and no Input has: give one the same."
            )
        }
        for ref in options.cancel {
            if !ref.id.matchKeys.isSubset(of: outputs) {
                sentences.append(
                    "\(ref) ends the job and has a match that the Outputs do not have: give them the same."
                )
            }
            if !ref.id.allSmallerKeys.isEmpty { sentences.append("\(ref) ends the job: use match or all there.") }
        }
        return sentences
    }

    private static func everyNeeded(_ ref: PropertyRef, _ place: String) -> String {
        "\(place) sets one value for all that \(ref) stands for: write .every in place of .all."
    }
}
