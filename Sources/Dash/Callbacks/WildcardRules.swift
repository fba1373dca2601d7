/// The rules for patterns in one callback (dash-protocol §10, §14.3).
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
