/// Checks for callbacks that trigger each other.
struct GraphRules {
    private let callbacks: [Callback]
    /// For each callback, those that its outputs trigger.
    private let followers: [[Int]]

    init(_ callbacks: [Callback]) {
        self.callbacks = callbacks
        // Grouped by property, as most callbacks are unrelated.
        var readers: [String: [(place: Int, ref: PropertyRef)]] = [:]
        for (place, callback) in callbacks.enumerated() {
            for ref in callback.inputs { readers[ref.property, default: []].append((place, ref)) }
        }
        followers = callbacks.enumerated().map { place, callback in
            // An output that allows duplicates marks an intended cycle.
            let written = callback.outputs.filter { !$0.allowDuplicate }.map(\.ref)
            let found = written.flatMap { ref in
                (readers[ref.property] ?? []).filter { $0.place != place && $0.ref.overlaps(ref) }.map(\.place)
            }
            return Array(Set(found)).sorted()
        }
    }

    var findings: [Finding] { circles + sideCircles }

    /// Cycles of several callbacks. A callback may read what it writes, as the browser does not trigger it again.
    private var circles: [Finding] {
        var reported: Set<Int> = []
        return callbacks.indices.compactMap { start in
            guard !reported.contains(start), let path = path(from: followers[start], to: start) else { return nil }
            reported.formUnion(path)
            let others = path.dropLast().map { callbacks[$0].location.description }.joined(separator: ", ")
            return callbacks[start].location.finding(
                """
                The callback triggers itself through \(others). Merge these callbacks, or read a State instead of an \
                Input in one of them.
                """
            )
        }
    }

    /// What is set while a callback runs must not trigger it, directly or indirectly (defect 20 in docs/protocol.md).
    private var sideCircles: [Finding] {
        callbacks.enumerated().flatMap { place, callback -> [Finding] in
            let shown = (callback.background?.progress ?? []).map { ($0, "progress:") }
            let sides = callback.running.map { ($0.ref, "running:") } + shown
            return sides.compactMap { ref, what in
                let first = callbacks.indices.filter { other in callbacks[other].inputs.contains { $0.overlaps(ref) } }
                guard first.contains(place) || path(from: first, to: place) != nil else { return nil }
                return callback.location.finding(
                    """
                    \(ref) is set by \(what) and triggers the callback, which would run in an endless loop. Set \
                    another property, or read a State.
                    """
                )
            }
        }
    }

    /// A path along the followers, including its end; nil if there is none.
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

/// Checks for patterns in one callback (docs/protocol.md, Pattern ids).
enum WildcardRules {
    static func sentences(for callback: Callback) -> [String] {
        outputs(callback) + inputs(callback) + running(callback) + background(callback)
    }

    private static func outputs(_ callback: Callback) -> [String] {
        let refs = callback.outputs.map(\.ref)
        var sentences = refs.filter { !$0.id.allSmallerKeys.isEmpty }.map {
            "The Output \($0) has allSmaller. Use match or all."
        }
        if Set(refs.map(\.id.matchKeys)).count > 1 {
            sentences.append("The Outputs have match at different keys. Use the same keys in all of them.")
        }
        for (place, ref) in refs.enumerated() {
            for earlier in refs[..<place] where earlier != ref && earlier.overlaps(ref) {
                sentences.append("\(earlier) and \(ref) may be the same property. Make the patterns differ.")
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
                sentences.append("\(ref) has a match that the Outputs do not have. Add it to them.")
            } else if slot.isState && !ref.id.matchKeys.isSubset(of: known.union(fired)) {
                sentences.append("The State \(ref) has a match that no Output and no Input has. Add it to one of them.")
            }
            if !ref.id.allSmallerKeys.isSubset(of: known) {
                sentences.append("\(ref) has allSmaller, which needs an Output with match at the same key.")
            }
            return sentences
        }
    }

    /// The browser resolves `match` in `running:` only from the changed input.
    private static func running(_ callback: Callback) -> [String] {
        var sentences = callback.running.filter(\.isList).map { everyNeeded($0.ref, "running:") }
        let keys = callback.running.reduce(into: Set<String>()) { $0.formUnion($1.ref.id.matchKeys) }
        if keys.isEmpty { return sentences }
        if callback.preventInitialCall != .yes {
            sentences.append(
                "running: has a match, which the browser cannot resolve at page load. Add preventInitialCall: true."
            )
        }
        for ref in callback.inputs where !ref.id.matchKeys.isSuperset(of: keys) {
            sentences.append(
                "running: has a match that the Input \(ref) does not have. Set one value for all with .every."
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
                "The progress property \(ref) has a match that no Output and no Input has. Add it to one of them."
            )
        }
        for ref in options.cancel {
            if !ref.id.matchKeys.isSubset(of: outputs) {
                sentences.append("The cancel input \(ref) has a match that the Outputs do not have. Add it to them.")
            }
            if !ref.id.allSmallerKeys.isEmpty {
                sentences.append("The cancel input \(ref) has allSmaller. Use match or all.")
            }
        }
        return sentences
    }

    private static func everyNeeded(_ ref: PropertyRef, _ place: String) -> String {
        "\(place) sets one value for all components of \(ref). Use .every instead of .all."
    }
}
