import Support

/// Checks for a single callback. Each returns one message per mistake.
enum CallbackRules {
    static func sentences(for callback: Callback) -> [String] {
        identifiers(callback) + inputs(callback) + outputs(callback) + WildcardRules.sentences(for: callback)
            + background(callback)
    }

    private static func identifiers(_ callback: Callback) -> [String] {
        var refs = callback.slots.map(\.ref) + callback.outputs.map(\.ref) + callback.running.map(\.ref)
        refs += callback.background.map { $0.cancel + $0.progress } ?? []
        return refs.unique.flatMap { ref in
            [IdentifierRules.sentence(for: ref.id), IdentifierRules.sentence(forProperty: ref.property)]
                .compactMap(\.self)
        }
    }

    private static func inputs(_ callback: Callback) -> [String] {
        guard callback.inputs.isEmpty else { return [] }
        if callback.preventInitialCall == .yes {
            return ["The callback has no Input and no initial call, so it never runs. Add an Input."]
        }
        if callback.kind == .background && callback.hasNoOutput {
            return ["A background callback with neither Input nor Output cannot be identified. Add an Input."]
        }
        return []
    }

    private static func outputs(_ callback: Callback) -> [String] {
        var sentences: [String] = []
        var seen: Set<PropertyRef> = []
        for slot in callback.outputs where !seen.insert(slot.ref).inserted {
            sentences.append("\(slot.ref) is listed twice as an Output. Remove one.")
        }
        if callback.preventInitialCall == .no, let slot = callback.outputs.first(where: \.allowDuplicate) {
            sentences.append(
                """
                \(slot.ref) allows duplicates, so the order of its initial calls is undefined. Add \
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

/// Checks for the options of background callbacks.
enum BackgroundRules {
    static func sentences(for callback: Callback, _ options: BackgroundOptions) -> [String] {
        var sentences: [String] = []
        if options.interval < .zero {
            sentences.append("interval: is negative. Use the minimum time between two updates of the progress.")
        }
        if let cache = options.cache { sentences += ignored(cache, callback) }
        return sentences
    }

    private static func ignored(_ cache: CachePolicy, _ callback: Callback) -> [String] {
        cache.ignored.compactMap { ignored in
            switch ignored {
            case .position(let position) where !callback.slots.indices.contains(position):
                "cache: ignores the argument \(position), but the arguments are 0 to \(callback.slots.count - 1). Use one of these."
            case .property(let ref) where !callback.slots.contains { $0.ref == ref }:
                "cache: ignores \(ref), which is neither an Input nor a State of the callback. Remove it."
            case .position, .property:
                nil
            }
        }
    }
}

/// A mistake in the declaration of an app, found at start.
struct Finding: Sendable, Hashable, CustomStringConvertible {
    let location: SourceLocation
    /// What is wrong, and what to do.
    let sentence: String

    /// `file:line: sentence`.
    var description: String { "\(location): \(sentence)" }
}

extension SourceLocation {
    /// A mistake in the declaration here.
    func finding(_ sentence: String) -> Finding { Finding(location: self, sentence: sentence) }
}

extension CallbackRegistry {
    /// Every mistake in the registered callbacks that can be found without a page, in the order of registration.
    var findings: [Finding] {
        let callbacks = callbacks
        let own = callbacks.flatMap { callback in
            CallbackRules.sentences(for: callback).map(callback.location.finding)
        }
        return own + DuplicateRules.findings(in: callbacks) + GraphRules(callbacks).findings
    }
}

/// Checks for ids and property names (docs/protocol.md, Layout and dependencies).
enum IdentifierRules {
    /// The error message for an invalid id; `nil` for a valid one.
    static func sentence(for id: ComponentID) -> String? {
        switch id.form {
        case .plain(let name): sentence(forName: name)
        case .pattern(let members): sentence(for: members, of: id)
        }
    }

    private static func sentence(forName name: String) -> String? {
        if name.isEmpty { return "An id is empty. Use a name." }
        guard let sign = name.first(where: { $0 == "." || $0 == "{" }) else { return nil }
        return "Invalid id “\(name)”. Remove “\(sign)”, which is reserved for the browser."
    }

    private static func sentence(for members: [String: IDValue], of id: ComponentID) -> String? {
        if members.isEmpty { return "A pattern id has no keys. Add a key, or use a name." }
        return members.keys.contains("") ? "The id \(id) has an empty key. Use a name." : nil
    }

    /// The error message for an invalid property name; `nil` for a valid one.
    static func sentence(forProperty name: String) -> String? {
        if name.isEmpty { return "A property's name is empty. Use a name such as value." }
        guard let sign = name.first(where: { $0 == "." || $0 == "@" }) else { return nil }
        return "Invalid property name “\(name)”. Remove “\(sign)”, which is reserved for the browser."
    }
}

/// Checks for conflicts between callbacks.
enum DuplicateRules {
    static func findings(in callbacks: [Callback]) -> [Finding] {
        names(callbacks) + outputs(callbacks) + overlaps(callbacks)
    }

    /// Callbacks with the same name, or that the browser cannot distinguish.
    private static func names(_ callbacks: [Callback]) -> [Finding] {
        var named: [String: Callback] = [:], known: [String: Callback] = [:]
        return callbacks.compactMap { callback in
            if callback.isNamed, let other = named.updateIfAbsent(callback, for: callback.name) {
                let sentence =
                    "The name “\(callback.name)” is used by the callback at \(other.location). Choose another."
                return callback.location.finding(sentence)
            }
            // Equal outputs are reported by `outputs`, with a better message.
            guard let other = known.updateIfAbsent(callback, for: callback.id), callback.isIndistinct else {
                return nil
            }
            return callback.location.finding(
                """
                The callback has the same inputs, states and outputs as the one at \(other.location). Add name: to \
                distinguish their requests.
                """
            )
        }
    }

    /// Callbacks whose output patterns may match the same property.
    private static func overlaps(_ callbacks: [Callback]) -> [Finding] {
        var earlier: [String: [(ref: PropertyRef, callback: Callback)]] = [:]
        return callbacks.flatMap { callback -> [Finding] in
            let own = callback.outputs.filter { !$0.allowDuplicate && !$0.ref.id.members.isEmpty }.map(\.ref)
            defer { for ref in own { earlier[ref.property, default: []].append((ref, callback)) } }
            return own.flatMap { ref in
                (earlier[ref.property] ?? []).filter { $0.ref != ref && $0.ref.overlaps(ref) }.map { other in
                    callback.location.finding(
                        """
                        \(ref) may be the same property as \(other.ref), which the callback at \
                        \(other.callback.location) writes. Make the patterns differ, or use \
                        Output(…, allowDuplicate: true) here and prevent the initial call.
                        """
                    )
                }
            }
        }
    }

    /// Callbacks that write the same property without allowing duplicates.
    private static func outputs(_ callbacks: [Callback]) -> [Finding] {
        var owners: [PropertyRef: Callback] = [:]
        return callbacks.flatMap { callback in
            Set(callback.outputs.filter { !$0.allowDuplicate }.map(\.ref)).compactMap { ref in
                guard let other = owners.updateIfAbsent(callback, for: ref) else { return nil }
                return callback.location.finding(
                    """
                    \(ref) is already written by the callback at \(other.location). Merge the two callbacks, or use \
                    Output(…, allowDuplicate: true) here and prevent the initial call.
                    """
                )
            }
        }
    }
}

extension Dictionary {
    /// Stores the value unless one exists, which is then returned.
    fileprivate mutating func updateIfAbsent(_ value: Value, for key: Key) -> Value? {
        if let present = self[key] { return present }
        self[key] = value
        return nil
    }
}
