import Dash
import DashJSON
import Support

/// The callbacks of an app, and their dependencies.
struct CallbackGraph: Sendable {
    let callbacks: [PageCallback]

    /// - Parameter dependencies: The response of `_dash-dependencies`.
    init(dependencies: JSON) { callbacks = (dependencies.arrayValue ?? []).map(PageCallback.init) }

    /// Whether a property is an input, state, output or `running` value of a callback.
    func mentions(_ ref: PropertyRef) -> Bool {
        callbacks.contains { callback in
            let running = (Array(callback.running) + Array(callback.runningOff)).compactMap {
                PropertyRef(text: $0.key)
            }
            let slots = (callback.inputs + callback.states).map(\.ref)
            return (callback.outputs + slots + running).contains {
                $0.plainProperty == ref.property && $0.id.stands(for: ref.id, in: nil)
            }
        }
    }

    /// Whether a component is in an input, state or output of a callback.
    func mentions(_ id: ComponentID) -> Bool {
        callbacks.contains { callback in
            ((callback.inputs + callback.states).map(\.ref) + callback.outputs).contains {
                $0.id.stands(for: id, in: nil)
            }
        }
    }

    /// The components that match an id of a callback in a call.
    func ids(of pattern: ComponentID, in layout: PageLayout, _ reference: WildcardReference?) -> [ComponentID] {
        if let id = pattern.onlyID(in: reference) { return layout.path(of: id) == nil ? [] : [id] }
        return layout.places(like: pattern).map(\.id).filter { pattern.stands(for: $0, in: reference) }
    }

    /// The concrete outputs of a call, a list per output.
    func outputs(of call: PageCall, in layout: PageLayout) -> [[PropertyRef]] {
        callbacks[call.callback].outputs.map { refs(of: $0, call, layout) }
    }

    /// The concrete inputs of a call, a list per input.
    func inputs(of call: PageCall, in layout: PageLayout) -> [[PropertyRef]] {
        callbacks[call.callback].inputs.map { refs(of: $0.ref, call, layout) }
    }

    /// The concrete states of a call, a list per state.
    func states(of call: PageCall, in layout: PageLayout) -> [[PropertyRef]] {
        callbacks[call.callback].states.map { refs(of: $0.ref, call, layout) }
    }

    private func refs(of ref: PropertyRef, _ call: PageCall, _ layout: PageLayout) -> [PropertyRef] {
        ids(of: ref.id, in: layout, call.reference).map { PropertyRef(id: $0, property: ref.property) }
    }
}

// MARK: - By input and output

extension CallbackGraph {
    /// The calls triggered by a change of a property.
    func calls(byInput ref: PropertyRef, in layout: PageLayout, _ change: PageCall.Change) -> [PageCall] {
        callbacks.indices.flatMap { index in
            callbacks[index].inputs.filter { $0.ref.property == ref.property && $0.ref.id.stands(for: ref.id, in: nil) }
                .flatMap { input in
                    let isName = ref.id.members.isEmpty
                    return calls(
                        of: index,
                        by: isName ? nil : WildcardReference(pattern: input.ref.id, id: ref.id),
                        layout
                    )
                }
        }
        .map { call in
            var call = call
            call.add(ref, change)
            return call
        }
    }

    /// One call for each value of the outputs' `match`.
    private func calls(of index: Int, by input: WildcardReference?, _ layout: PageLayout) -> [PageCall] {
        let callback = callbacks[index]
        guard !callback.matchKeys.isEmpty else {
            return [PageCall(callback: index, reference: input, matchText: input?.matchText ?? "")]
        }
        var seen: Set<String> = []
        let patterns = callback.firstSingleOutput.map { [$0] } ?? callback.outputs
        return patterns.flatMap { pattern in
            ids(of: pattern.id, in: layout, input).compactMap { id in
                let reference = WildcardReference(pattern: pattern.id, id: id)
                guard seen.insert(reference.matchText).inserted else { return nil }
                return PageCall(callback: index, reference: reference, matchText: reference.matchText)
            }
        }
    }

    /// The call that writes a property, if any.
    func call(byOutput ref: PropertyRef) -> PageCall? {
        for (index, callback) in callbacks.enumerated() {
            let writes = { (output: PropertyRef) in
                output.property == ref.property && output.id.stands(for: ref.id, in: nil)
            }
            guard let pattern = callback.outputs.first(where: writes) else { continue }
            guard !ref.id.members.isEmpty else { return PageCall(callback: index, reference: nil, matchText: "") }
            let reference = WildcardReference(pattern: pattern.id, id: ref.id)
            return PageCall(callback: index, reference: reference, matchText: reference.matchText)
        }
        return nil
    }

    /// The properties of a component that callbacks write.
    func outputProperties(of id: ComponentID) -> [String] {
        callbacks.flatMap(\.outputs).filter { $0.id.stands(for: id, in: nil) }.map(\.property).unique
    }

    /// The properties of a component that callbacks read as inputs.
    func inputProperties(of id: ComponentID) -> [String] {
        callbacks.flatMap(\.inputs).map(\.ref).filter { $0.id.stands(for: id, in: nil) }.map(\.property).unique
    }

    /// The properties that calls may change, directly or through other calls.
    func reach(of calls: [PageCall], in layout: PageLayout) -> Set<PropertyRef> {
        var reached: Set<PropertyRef> = []
        var next = calls
        while !next.isEmpty {
            let outputs = next.flatMap { self.outputs(of: $0, in: layout).flatMap(\.self) }
                .filter { reached.insert($0).inserted }
            next = outputs.flatMap { self.calls(byInput: $0, in: layout, .indirect) }
        }
        return reached
    }

    /// The calls whose inputs no pending call may change. Inputs that are outputs of the same call are ignored.
    func ready(_ calls: [PageCall], beside pending: Set<PropertyRef>, in layout: PageLayout) -> [PageCall] {
        calls.filter { call in
            let own = Set(outputs(of: call, in: layout).flatMap(\.self))
            return inputs(of: call, in: layout).flatMap(\.self).allSatisfy { own.contains($0) || !pending.contains($0) }
        }
    }
}

// MARK: - By the layout

extension CallbackGraph {
    /// How to search an added or removed part of the layout.
    struct LayoutSearch {
        /// Search outputs only, for the whole page.
        var outputsOnly = false
        /// The layout after a removal: finds only calls whose lists of components became shorter.
        var layoutAfter: PageLayout?
        /// The part's path: calls whose outputs are all inside it are found by their outputs.
        var part: PageLayout.Path?
    }

    /// The calls triggered by added or removed components, all in one group.
    func calls(for value: JSON, in layout: PageLayout, _ search: LayoutSearch, group: Int) -> [PageCall] {
        var found: [PageCall] = []
        var places: [String: Int] = [:]
        let add = { (call: PageCall) in
            if let place = places[call.identity] {
                found[place] = found[place].merging(call)
            } else {
                places[call.identity] = found.count
                found.append(call)
            }
        }
        for (component, _) in layout.components(in: value) {
            guard let id = try? ComponentID(json: component["props"]["id"]) else { continue }
            if search.layoutAfter == nil { initialCalls(writing: id).forEach(add) }
            if !search.outputsOnly { calls(reading: id, layout, search).forEach(add) }
        }
        return withoutThoseOfMissingInputs(found, layout).map { call in
            var call = call
            call.group = group
            return call
        }
    }

    private func initialCalls(writing id: ComponentID) -> [PageCall] {
        outputProperties(of: id).compactMap { property in
            guard var call = call(byOutput: PropertyRef(id: id, property: property)),
                !callbacks[call.callback].preventsInitialCall
            else { return nil }
            call.isInitial = true
            return call
        }
    }

    private func calls(reading id: ComponentID, _ layout: PageLayout, _ search: LayoutSearch) -> [PageCall] {
        inputProperties(of: id)
            .flatMap { calls(byInput: PropertyRef(id: id, property: $0), in: layout, .indirect) }
            .filter { call in
                guard let part = search.part else { return true }
                let outputs = outputs(of: call, in: layout).flatMap(\.self)
                return !outputs.allSatisfy { layout.path(of: $0.id)?.starts(with: part) ?? false }
            }
            .compactMap { call in
                guard let after = search.layoutAfter else { return call }
                let isList = zip(callbacks[call.callback].inputs, inputs(of: call, in: layout))
                    .contains { $0.isList && $1.contains { $0.id == id } }
                guard isList, outputs(of: call, in: after).contains(where: { !$0.isEmpty }) else { return nil }
                var call = call
                call.isInitial = true
                call.removeChanges()
                return call
            }
    }

    /// Drops calls without any existing input, then calls whose inputs only those would set, and so on.
    private func withoutThoseOfMissingInputs(_ calls: [PageCall], _ layout: PageLayout) -> [PageCall] {
        var (calls, excluded) = (calls, Set<PropertyRef>())
        while true {
            let kept = calls.filter { call in
                callbacks[call.callback].inputs.allSatisfy(\.isList)
                    || inputs(of: call, in: layout).flatMap(\.self).contains { !excluded.contains($0) }
            }
            if kept.count == calls.count { return kept }
            let identities = Set(kept.map(\.identity))
            for call in calls where !identities.contains(call.identity) {
                excluded.formUnion(outputs(of: call, in: layout).flatMap(\.self))
            }
            calls = kept
        }
    }
}

/// The component that determines a call's wildcards: one of its outputs, or the changed input.
struct WildcardReference: Sendable, Hashable {
    /// The id in the callback, with wildcards.
    var pattern: ComponentID
    var id: ComponentID

    /// The values of each `match` in the pattern, as a text that identifies the call; empty if there are none.
    var matchText: String {
        let values = pattern.keys.filter { pattern.members[$0] == .match }.compactMap { id.members[$0]?.json }
        return values.isEmpty ? "" : values.map(\.text).joined(separator: ",")
    }
}

extension ComponentID {
    /// The keys of a pattern, sorted; empty for a string id.
    var keys: [String] { members.keys.sorted() }

    /// The only id that matches this id of a callback in a call; nil if several may match. Avoids a search through all
    /// components.
    func onlyID(in reference: WildcardReference?) -> ComponentID? {
        guard hasWildcard else { return self }
        guard let reference else { return nil }
        var values = members
        for (key, value) in members where value.wildcardName != nil {
            guard value == .match, reference.pattern.members[key] == .match, let found = reference.id.members[key]
            else {
                return nil
            }
            values[key] = found
        }
        return ComponentID(pattern: values)
    }

    /// Whether a component's id matches this id of a callback, in a call with a reference.
    func stands(for other: ComponentID, in reference: WildcardReference?) -> Bool {
        guard !members.isEmpty else { return self == other }
        guard members.count == other.members.count else { return false }
        return members.allSatisfy { key, value in
            guard let found = other.members[key] else { return false }
            guard value.wildcardName != nil else { return value == found }
            guard let reference, value != .all else { return true }
            let wanted = value == .allSmaller ? -1 : reference.pattern.members[key] == .allSmaller ? 1 : 0
            return found.order(beside: reference.id.members[key]) == wanted
        }
    }
}

extension IDValue {
    /// -1 if this value sorts before another, 1 if after, otherwise 0: numbers and numeric strings first, then
    /// booleans, then strings.
    func order(beside other: IDValue?) -> Int {
        switch (number, other?.number) {
        case (let left?, let right?): return left < right ? -1 : left > right ? 1 : 0
        case (.some, nil): return -1
        case (nil, .some): return 1
        case (nil, nil): break
        }
        switch (self, other) {
        case (.bool(let left), .bool(let right)): return left == right ? 0 : right ? -1 : 1
        case (.bool, _): return -1
        case (_, .bool): return 1
        case (.string(let left), .string(let right)): return left < right ? -1 : left > right ? 1 : 0
        default: return 0
        }
    }

    private var number: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        case .string(let text): Double(text)
        default: nil
        }
    }
}
