/// The rules a callback must keep by itself. Each gives a sentence for what breaks it.
enum CallbackRules {
    static func sentences(for callback: Callback) -> [String] {
        identifiers(callback) + inputs(callback) + outputs(callback) + WildcardRules.sentences(for: callback)
            + background(callback)
    }

    private static func identifiers(_ callback: Callback) -> [String] {
        var refs = callback.slots.map(\.ref) + callback.outputs.map(\.ref) + callback.running.map(\.ref)
        refs += callback.background.map { $0.cancel + $0.progress } ?? []
        var seen: Set<PropertyRef> = []
        return refs.filter { seen.insert($0).inserted }.flatMap { ref in
            [IdentifierRules.sentence(for: ref.id), IdentifierRules.sentence(forProperty: ref.property)].compactMap(
                \.self
            )
        }
    }

    private static func inputs(_ callback: Callback) -> [String] {
        guard callback.inputs.isEmpty else { return [] }
        if callback.preventInitialCall == .yes {
            return ["The callback has no Input and no initial call, so it never runs: give it an Input."]
        }
        if callback.kind == .background && callback.hasNoOutput {
            return ["A background callback with neither Input nor Output cannot be told from others: give it an Input."]
        }
        return []
    }

    private static func outputs(_ callback: Callback) -> [String] {
        var sentences: [String] = []
        var seen: Set<PropertyRef> = []
        for slot in callback.outputs where !seen.insert(slot.ref).inserted {
            sentences.append("\(slot.ref) is an Output twice: name it once.")
        }
        if callback.preventInitialCall == .no, let slot = callback.outputs.first(where: \.allowDuplicate) {
            sentences.append(
                """
                \(slot.ref) allows duplicates, so at load nobody could say which callback comes last: add \
                preventInitialCall: true, or .initialDuplicate if the order does not matter.
                """
            )
        }
        return sentences
    }

    private static func background(_ callback: Callback) -> [String] {
        let function = [callback.clientside?.problem].compactMap(\.self)
        return function + (callback.background.map { BackgroundRules.sentences(for: callback, $0) } ?? [])
    }
}

/// The rules for what a background callback has besides.
enum BackgroundRules {
    static func sentences(for callback: Callback, _ options: BackgroundOptions) -> [String] {
        var sentences: [String] = []
        if options.interval < .zero {
            sentences.append("interval: is negative; it is the shortest gap between two updates of the progress.")
        }
        if let cache = options.cache { sentences += ignored(cache, callback) }
        return sentences
    }

    private static func ignored(_ cache: CachePolicy, _ callback: Callback) -> [String] {
        cache.ignored.compactMap { ignored in
            switch ignored {
            case .position(let position) where !callback.slots.indices.contains(position):
                "cache: ignores the argument \(position), but the arguments are 0 to \(callback.slots.count - 1)."
            case .property(let ref) where !callback.slots.contains { $0.ref == ref }:
                "cache: ignores \(ref), which is neither an Input nor a State of the callback."
            case .position, .property:
                nil
            }
        }
    }
}
