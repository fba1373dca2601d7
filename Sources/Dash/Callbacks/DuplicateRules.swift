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
