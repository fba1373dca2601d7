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

/// A mistake in how an app is declared, found when it starts.
struct Finding: Sendable, Hashable, CustomStringConvertible {
    /// Where it was declared.
    let location: SourceLocation
    /// What is wrong and what to do about it.
    let sentence: String

    /// `file:line: sentence`.
    var description: String { "\(location): \(sentence)" }
}

extension CallbackRegistry {
    /// Every mistake in the registered callbacks that can be known without the page, in the order of registration.
    var findings: [Finding] {
        let callbacks = callbacks
        let own = callbacks.flatMap { callback in
            CallbackRules.sentences(for: callback).map { Finding(location: callback.location, sentence: $0) }
        }
        return own + DuplicateRules.findings(in: callbacks) + GraphRules(callbacks).findings
    }
}

/// The rules for ids and properties by name (docs/protocol.md, Layout and dependencies).
enum IdentifierRules {
    /// What is wrong with an id; `nil` if nothing is.
    static func sentence(for id: ComponentID) -> String? {
        switch id.form {
        case .plain(let name): sentence(forName: name)
        case .pattern(let members): sentence(for: members, of: id)
        }
    }

    private static func sentence(forName name: String) -> String? {
        if name.isEmpty { return "An id is empty: give the component a name." }
        guard let sign = name.first(where: { $0 == "." || $0 == "{" }) else { return nil }
        return "The id “\(name)” contains “\(sign)”, which the browser takes for the end of the id: leave it out."
    }

    private static func sentence(for members: [String: IDValue], of id: ComponentID) -> String? {
        if members.isEmpty { return "A pattern id has no keys: give it some, or use a name." }
        return members.keys.contains("") ? "The id \(id) has an empty key: give it a name." : nil
    }

    /// What is wrong with a property's name; `nil` if nothing is.
    static func sentence(forProperty name: String) -> String? {
        if name.isEmpty { return "A property's name is empty." }
        guard let sign = name.first(where: { $0 == "." || $0 == "@" }) else { return nil }
        return "The property “\(name)” contains “\(sign)”, which no property's name does."
    }
}

/// The rules that callbacks keep among each other.
enum DuplicateRules {
    static func findings(in callbacks: [Callback]) -> [Finding] {
        names(callbacks) + outputs(callbacks) + overlaps(callbacks)
    }

    /// Two callbacks of one name, or that differ in nothing the browser knows.
    private static func names(_ callbacks: [Callback]) -> [Finding] {
        var named: [String: Callback] = [:], known: [String: Callback] = [:]
        return callbacks.compactMap { callback in
            if callback.isNamed, let other = named.updateIfAbsent(callback, for: callback.name) {
                return Finding(
                    location: callback.location,
                    sentence:
                        "The name “\(callback.name)” is taken by the callback at \(other.location): choose another."
                )
            }
            // The same outputs are told by the other rule, in better words.
            guard let other = known.updateIfAbsent(callback, for: callback.id), callback.isIndistinct else {
                return nil
            }
            return Finding(
                location: callback.location,
                sentence: """
                    The callback has the same inputs, states and outputs as the one at \(other.location), so requests \
                    cannot be told apart: give it a name: of its own.
                    """
            )
        }
    }

    /// Two callbacks whose patterns may mean one property.
    private static func overlaps(_ callbacks: [Callback]) -> [Finding] {
        var earlier: [String: [(ref: PropertyRef, callback: Callback)]] = [:]
        return callbacks.flatMap { callback -> [Finding] in
            let own = callback.outputs.filter { !$0.allowDuplicate && !$0.ref.id.members.isEmpty }.map(\.ref)
            defer { for ref in own { earlier[ref.property, default: []].append((ref, callback)) } }
            return own.flatMap { ref in
                (earlier[ref.property] ?? []).filter { $0.ref != ref && $0.ref.overlaps(ref) }.map { other in
                    Finding(
                        location: callback.location,
                        sentence: """
                            \(ref) may be the same property as \(other.ref), which the callback at \
                            \(other.callback.location) writes: make the patterns differ, or write \
                            Output(…, allowDuplicate: true) here and prevent the initial call.
                            """
                    )
                }
            }
        }
    }

    /// Two callbacks that write one property without saying that they may.
    private static func outputs(_ callbacks: [Callback]) -> [Finding] {
        var owners: [PropertyRef: Callback] = [:]
        return callbacks.flatMap { callback in
            Set(callback.outputs.filter { !$0.allowDuplicate }.map(\.ref)).compactMap { ref in
                guard let other = owners.updateIfAbsent(callback, for: ref) else { return nil }
                return Finding(
                    location: callback.location,
                    sentence: """
                        \(ref) is written by the callback at \(other.location) already: make one callback of the two, or \
                        write Output(…, allowDuplicate: true) here and prevent the initial call.
                        """
                )
            }
        }
    }
}

extension Callback {
    /// True if only the hash of inputs, states and name tells the callback from others.
    fileprivate var isIndistinct: Bool { outputs.allSatisfy(\.allowDuplicate) }
}

extension Dictionary {
    /// Stores the value unless there is one, which is returned then.
    fileprivate mutating func updateIfAbsent(_ value: Value, for key: Key) -> Value? {
        if let present = self[key] { return present }
        self[key] = value
        return nil
    }
}
