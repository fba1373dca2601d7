import Dash
import DashJSON

/// The state of the front end: which callbacks run when, with which values, and what their responses change.
///
/// Follows the rules of dash-renderer, so that a test sees the same as a browser.
struct Renderer: Sendable {
    /// An effect for the page to perform.
    enum Effect: Sendable {
        /// Send a request to the server.
        case request(Outgoing)
        /// Run the stand-in for a clientside function.
        case clientside(Int, outputs: [String], function: String, arguments: [JSON])
        /// A property of a component was changed, by a user or a callback.
        case changed(ComponentID, properties: [String], isByCallback: Bool)
    }

    /// The request of a call.
    struct Outgoing: Sendable {
        let call: Int
        let body: JSON
        /// `oldJob` and `cancelJob`, each with a leading `&`.
        let query: String
        let isBackground: Bool
    }

    /// A job that the page polls.
    struct Job: Sendable {
        var call: Int
        var cancel: [JSON]
        var progressDefault: JSONObject
        var outputs: JSON
        /// Whether a later start has replaced it.
        var isOutdated = false
    }

    /// The renderer's limit of concurrent requests.
    static let mostRunning = 12

    let graph: CallbackGraph
    let suppressesExceptions: Bool
    var layout: PageLayout
    /// Requested calls, until their inputs cannot change any more.
    var requested: [PageCall] = []
    /// Calls that are ready to run.
    var prioritized: [PageCall] = []
    var running: [Int: RunningCall] = [:]
    /// The possible and actual changes of each group's completed calls.
    var finished: [FinishedCall] = []
    var jobs: [String: Job] = [:]
    var errors: [TestError] = []
    var effects: [Effect] = []
    /// The layout's edition when the outputs of running calls were last checked.
    var prunedEdition = 0
    private var lastNumber = 0

    /// A call without a response.
    struct RunningCall: Sendable {
        var call: PageCall
        var body: JSON
        var outputs: [[PropertyRef]]
        /// Whether the response counts; a later call of the same identity resets it.
        var counts = true
        /// Whether a later start replaced it before its response.
        var isReplaced = false
        /// The values to set on completion.
        var runningOff: JSONObject = [:]
        var job: String?
        /// Whether it is a background callback.
        var isBackground: Bool
    }

    /// A completed call, kept until all calls of its group have completed.
    struct FinishedCall: Sendable {
        var group: Int
        var possible: Set<PropertyRef>
        var updated: Set<PropertyRef>
    }

    init(layout: PageLayout, graph: CallbackGraph, suppressesExceptions: Bool) {
        self.layout = layout
        self.graph = graph
        self.suppressesExceptions = suppressesExceptions
    }

    mutating func nextNumber() -> Int {
        lastNumber += 1
        return lastNumber
    }

    /// Requests the initial calls of the page.
    mutating func begin() {
        var search = CallbackGraph.LayoutSearch()
        search.outputsOnly = true
        requested += graph.calls(for: layout.root, in: layout, search, group: nextNumber())
        for (index, callback) in graph.callbacks.enumerated() where !callback.preventsInitialCall {
            var call = PageCall(callback: index, reference: nil, matchText: "")
            call.isInitial = true
            let places = callback.hasNoOutput ? graph.inputs(of: call, in: layout) : graph.outputs(of: call, in: layout)
            let isSpecial = callback.hasNoOutput || callback.inputs.isEmpty
            let isWanted = callback.hasNoOutput && callback.inputs.isEmpty || places.contains { !$0.isEmpty }
            guard isSpecial, isWanted, !requested.contains(where: { $0.identity == call.identity }) else { continue }
            requested.append(call)
        }
    }

    /// Sets properties of a component as a user or the component does; unchanged values run no callback.
    mutating func set(_ id: ComponentID, _ properties: [(name: String, value: JSON)]) {
        guard let path = layout.path(of: id) else { return }
        let changed = properties.filter { layout.value(PropertyRef(id: id, property: $0.name)) != $0.value }
        guard !changed.isEmpty else { return }
        for (name, value) in changed { layout.set(name, to: value, at: path) }
        reindex(path, changed.map(\.name))
        notify(id, changed.map(\.name))
        effects.append(.changed(id, properties: changed.map(\.name), isByCallback: false))
    }

    /// Requests the callbacks that have properties of a component as inputs.
    mutating func notify(_ id: ComponentID, _ properties: [String]) {
        for property in properties {
            requested += graph.calls(byInput: PropertyRef(id: id, property: property), in: layout, .direct)
        }
    }

    /// Updates the ids in a component after a change of a property that contains components.
    mutating func reindex(_ path: PageLayout.Path, _ properties: [String]) {
        let holders = layout.childrenPaths(of: layout[path]).map { $0.prefix { !".[{".contains($0) } }
        if properties.contains(where: { holders.contains($0[...]) }) { layout.index(below: path) }
    }

    /// Whether callbacks are requested or running.
    var isBusy: Bool { !requested.isEmpty || !prioritized.isEmpty || !running.isEmpty }

    /// The effects since the last call.
    mutating func takeEffects() -> [Effect] {
        defer { effects = [] }
        return effects
    }
}

/// Starting calls.
extension Renderer {
    /// Starts a call that is ready, unless its inputs or outputs are not on the page.
    mutating func start(_ call: PageCall) {
        var call = call
        call.number = nextNumber()
        let callback = graph.callbacks[call.callback]
        let outputs = graph.outputs(of: call, in: layout)
        do {
            guard let body = try body(of: call, callback, outputs) else { return }
            if callback.clientside != nil {
                startInBrowser(call, callback, body, outputs)
            } else {
                send(call, callback, body, outputs)
            }
        } catch {
            finished.append(FinishedCall(of: call, outputs: outputs))
            errors.append(error)
        }
    }

    private mutating func startInBrowser(
        _ call: PageCall,
        _ callback: PageCallback,
        _ body: JSON,
        _ outputs: [[PropertyRef]]
    ) {
        running[call.number] = RunningCall(call: call, body: body, outputs: outputs, isBackground: false)
        let slots = (body["inputs"].arrayValue ?? []) + (body["state"].arrayValue ?? [])
        let arguments = slots.map { slot in slot.arrayValue.map { .array($0.map { $0["value"] }) } ?? slot["value"] }
        let outputs = callback.outputs.map { PropertyRef(id: $0.id, property: $0.plainProperty).text }
        let function = callback.clientside ?? ""
        effects.append(.clientside(call.number, outputs: outputs, function: function, arguments: arguments))
    }

    private mutating func send(_ call: PageCall, _ callback: PageCallback, _ body: JSON, _ outputs: [[PropertyRef]]) {
        if callback.isBackground { replaceUnansweredStarts(of: call) }
        var entry = RunningCall(call: call, body: body, outputs: outputs, isBackground: callback.isBackground)
        entry.runningOff = callback.runningOff
        running[call.number] = entry
        let query = replacedJobs(body["outputs"]) + cancelledJobs(callback, call)
        apply(sideUpdate: callback.running, of: call)
        effects.append(
            .request(Outgoing(call: call.number, body: body, query: query, isBackground: callback.isBackground))
        )
    }

    /// The query does not include starts without a job; the page drops their responses.
    private mutating func replaceUnansweredStarts(of call: PageCall) {
        for (number, other) in running where other.call.identity == call.identity && other.job == nil {
            running[number]?.isReplaced = true
        }
    }

    /// Marks jobs of the same outputs as outdated.
    private mutating func replacedJobs(_ outputs: JSON) -> String {
        var query = ""
        for handle in jobs.keys.sorted() where jobs[handle]?.outputs == outputs && !outputs.isNull {
            jobs[handle]?.isOutdated = true
            query += "&oldJob=\(handle)"
        }
        return query
    }

    /// Cancels jobs that have an input of this callback in their `cancel:`.
    private mutating func cancelledJobs(_ callback: PageCallback, _ call: PageCall) -> String {
        let inputs = callback.inputs.map(\.ref.entry)
        var query = ""
        for (handle, job) in jobs.sorted(by: { $0.key < $1.key }) where job.cancel.contains(where: inputs.contains) {
            query += "&cancelJob=\(handle)"
            apply(sideUpdate: job.progressDefault, of: call)
        }
        return query
    }
}

// MARK: - The body

extension Renderer {
    /// The body of a call's request; nil if the page has none of its inputs.
    private func body(
        of call: PageCall,
        _ callback: PageCallback,
        _ outputs: [[PropertyRef]]
    ) throws(TestError) -> JSON? {
        guard let inputs = try values(callback.inputs, graph.inputs(of: call, in: layout), callback, isInput: true)
        else {
            return nil
        }
        guard
            let targets = try targets(callback, outputs, hasInputs: inputs.contains { $0.arrayValue?.isEmpty != true })
        else { return nil }
        var body = JSONObject()
        body.append("output", .string(callback.output))
        if !callback.hasNoOutput {
            body.append("outputs", callback.isMultiple ? .array(targets) : targets.first ?? .null)
        }
        body.append("inputs", .array(inputs))
        body.append("changedPropIds", .array(call.changed.map { .string($0.ref.text) }))
        let parsed = call.changed.map { $0.ref.id.members.isEmpty ? .string($0.ref.text) : $0.ref.id.json }
        body.append("parsedChangedPropsIds", .array(parsed))
        if !callback.states.isEmpty {
            let refs = graph.states(of: call, in: layout)
            body.append("state", .array(try values(callback.states, refs, callback, isInput: false) ?? []))
        }
        return .object(body)
    }

    private func values(
        _ slots: [PageCallback.Slot],
        _ refs: [[PropertyRef]],
        _ callback: PageCallback,
        isInput: Bool
    ) throws(TestError) -> [JSON]? {
        var (values, problems, emptyLists): ([JSON], [TestError], Int) = ([], [], 0)
        for (slot, refs) in zip(slots, refs) {
            if slot.isList {
                values.append(.array(refs.map(entry)))
                emptyLists += refs.isEmpty ? 1 : 0
            } else if refs.count == 1 {
                values.append(entry(refs[0]))
            } else if refs.isEmpty, slot.isOptional {
                var value = slot.ref.entry
                value["allow_optional"] = true
                value["value"] = .null
                values.append(value)
            } else {
                problems.append(.misplaced(slot.ref, refs, isInput ? "input" : "state", of: callback))
            }
        }
        guard let problem = problems.first else { return values }
        if isInput, problems.count + emptyLists == slots.count { return nil }
        throw problem
    }

    private func entry(_ ref: PropertyRef) -> JSON {
        var entry = ref.entry
        if let value = layout.value(ref) { entry["value"] = value }
        return entry
    }

    /// The outputs of a request; nil for a call without outputs and inputs.
    private func targets(
        _ callback: PageCallback,
        _ outputs: [[PropertyRef]],
        hasInputs: Bool
    ) throws(TestError) -> [JSON]? {
        var targets: [JSON] = []
        for (output, refs) in zip(callback.outputs, outputs) {
            if output.id.standsForList {
                targets.append(.array(refs.map(\.entry)))
            } else if refs.count == 1 {
                targets.append(refs[0].entry)
            } else if hasInputs {
                throw .misplaced(output, refs, "output", of: callback)
            } else {
                return nil
            }
        }
        return targets
    }
}

extension Renderer.FinishedCall {
    /// A completed call that updated these properties.
    init(of call: PageCall, outputs: [[PropertyRef]], updated: Set<PropertyRef> = []) {
        self.init(group: call.group ?? 0, possible: Set(outputs.flatMap(\.self)), updated: updated)
    }
}

/// Scheduling of calls.
extension Renderer {
    /// Starts all calls that are ready.
    mutating func advance() {
        var hasStarted = true
        while hasStarted {
            schedule()
            hasStarted = startReady()
        }
        let groups = Set((requested + prioritized + running.values.map(\.call)).compactMap(\.group))
        finished.removeAll { !groups.contains($0.group) }
    }

    private mutating func schedule() {
        requested.removeAll { $0.predecessors.contains($0.callback) }
        mergeDuplicates()
        dropOlder()
        requested = pruned(requested)
        prioritized = pruned(prioritized)
        if layout.edition != prunedEdition {
            prunedEdition = layout.edition
            for (number, running) in running where running.counts && pruned([running.call]).isEmpty {
                self.running[number]?.counts = false
            }
        }
        guard !requested.isEmpty else { return }
        var ready = graph.ready(requested, beside: pendingReach(), in: layout)
        let pending = requested.count + prioritized.count + countedRunning.count
        if ready.isEmpty, !requested.isEmpty, requested.count == pending { ready = circleEntries() }
        let dropped = Set(ready.filter(isIrrelevant).map(\.identity))
        let identities = Set(ready.map(\.identity))
        requested.removeAll { identities.contains($0.identity) }
        prioritized += ready.filter { !dropped.contains($0.identity) }
    }

    private var countedRunning: [PageCall] { running.values.filter(\.counts).map(\.call) }

    private func pendingReach() -> Set<PropertyRef> {
        graph.reach(of: requested + prioritized + countedRunning, in: layout)
    }

    /// Merges calls of one identity, with the changes of all. Drops an initial call if there are others.
    private mutating func mergeDuplicates() {
        var order: [String] = []
        var groups: [String: [PageCall]] = [:]
        for call in requested {
            if groups[call.identity] == nil { order.append(call.identity) }
            groups[call.identity, default: []].append(call)
        }
        requested = order.compactMap { identity in
            var calls = groups[identity] ?? []
            if calls.count > 1, let initial = calls.firstIndex(where: \.isInitial) { calls.remove(at: initial) }
            guard var merged = calls.last else { return nil }
            let group = calls.compactMap(\.group).last
            if calls.count > 1 {
                merged.removeChanges()
                for call in calls { for (ref, change) in call.changed { merged.add(ref, change) } }
            }
            merged.group = group
            return merged
        }
    }

    /// Drops older calls of the same identity as a requested call.
    private mutating func dropOlder() {
        let identities = Set(requested.map(\.identity))
        prioritized.removeAll { identities.contains($0.identity) }
        for (number, running) in running where identities.contains(running.call.identity) {
            self.running[number]?.counts = false
        }
    }

    /// The calls whose outputs still exist; for lists, the remaining ones.
    private func pruned(_ calls: [PageCall]) -> [PageCall] {
        calls.compactMap { call in
            let outputs = graph.outputs(of: call, in: layout).flatMap(\.self)
            if outputs.count == graph.callbacks[call.callback].outputs.count { return call }
            guard !outputs.isEmpty else { return nil }
            var call = call
            call.removeChanges { layout.path(of: $0.id) == nil }
            return call
        }
    }

    /// Breaks a cycle of calls that wait for each other: its first call starts.
    private func circleEntries() -> [PageCall] {
        guard let first = requested.first else { return [] }
        let reach = graph.reach(of: [first], in: layout)
        return [first] + graph.ready(Array(requested.dropFirst()), beside: reach, in: layout)
    }

    /// Whether a call waited only for others of its group, and none of them changed its inputs.
    private func isIrrelevant(_ call: PageCall) -> Bool {
        guard let group = call.group else { return false }
        let others = finished.filter { $0.group == group }
        guard !others.isEmpty, !graph.callbacks[call.callback].inputs.allSatisfy(\.isList) else { return false }
        let inputs = Set(graph.inputs(of: call, in: layout).flatMap(\.self))
        let updated = others.reduce(into: Set()) { $0.formUnion($1.updated) }
        let possible = others.reduce(into: Set()) { $0.formUnion($1.possible) }
        return inputs.isDisjoint(with: updated) && inputs.isSubset(of: possible)
    }

    /// - Returns: Whether any call was started or dropped.
    private mutating func startReady() -> Bool {
        var hasStarted = false
        while !prioritized.isEmpty, countedRunning.count < Self.mostRunning {
            start(prioritized.removeFirst())
            hasStarted = true
        }
        return hasStarted
    }
}
