import Dash
import DashJSON

/// What the front end does, as a value: which callbacks run when, with which values, and what their answers change.
///
/// It goes by the rules of dash-renderer, so that a test sees what a browser would show.
struct Renderer: Sendable {
    /// What the page has to do next.
    enum Effect: Sendable {
        /// Ask the server.
        case request(Outgoing)
        /// Have a stand-in do what a function of the browser does.
        case clientside(Int, outputs: [String], function: String, arguments: [JSON])
        /// A property of a component was changed, by a person or by a callback.
        case changed(ComponentID, properties: [String], isByCallback: Bool)
    }

    /// The request of a call.
    struct Outgoing: Sendable {
        let call: Int
        let body: JSON
        /// `oldJob` and `cancelJob`, with a `&` before each.
        let query: String
        let isBackground: Bool
    }

    /// A job that the page waits for.
    struct Job: Sendable {
        var call: Int
        var cancel: [JSON]
        var progressDefault: JSONObject
        /// The outputs as they were sent.
        var outputs: JSON
        /// Whether another start has taken its place.
        var isOutdated = false
    }

    /// The renderer has no more requests than these on their way at once.
    static let mostRunning = 12

    let graph: CallbackGraph
    let suppressesExceptions: Bool
    var layout: PageLayout
    /// Calls that are wanted, until nothing they depend on may change any more.
    var requested: [PageCall] = []
    /// Calls whose turn has come.
    var prioritized: [PageCall] = []
    var running: [Int: RunningCall] = [:]
    /// What the calls of each group could have changed, and did.
    var finished: [FinishedCall] = []
    var jobs: [String: Job] = [:]
    var errors: [TestError] = []
    var effects: [Effect] = []
    /// The edition of the layout in which the outputs of all running calls were last seen to be there.
    var prunedEdition = 0
    private var lastNumber = 0

    /// A call whose answer has not come.
    struct RunningCall: Sendable {
        var call: PageCall
        var body: JSON
        var outputs: [[PropertyRef]]
        /// Whether the answer counts: a later call of the same identity takes that away.
        var counts = true
        /// Whether a later start took its place before its own was answered.
        var isReplaced = false
        /// What to set when the call ends.
        var runningOff: JSONObject = [:]
        var job: String?
        /// Whether it was asked for without waiting for the end of the call.
        var isBackground: Bool
    }

    /// A call that has ended, as long as others of its group have not.
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

    /// A number that none had before.
    mutating func nextNumber() -> Int {
        lastNumber += 1
        return lastNumber
    }

    /// Asks for the calls that a page begins with.
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

    /// Sets properties of a component as a person or the component itself does; what is as it was runs nothing.
    mutating func set(_ id: ComponentID, _ properties: [(name: String, value: JSON)]) {
        guard let path = layout.path(of: id) else { return }
        let changed = properties.filter { layout.value(PropertyRef(id: id, property: $0.name)) != $0.value }
        guard !changed.isEmpty else { return }
        for (name, value) in changed { layout.set(name, to: value, at: path) }
        reindex(path, changed.map(\.name))
        notify(id, changed.map(\.name))
        effects.append(.changed(id, properties: changed.map(\.name), isByCallback: false))
    }

    /// Asks for the callbacks that have properties of a component as inputs.
    mutating func notify(_ id: ComponentID, _ properties: [String]) {
        for property in properties {
            requested += graph.calls(byInput: PropertyRef(id: id, property: property), in: layout, .direct)
        }
    }

    /// Finds the ids within a component anew, if a property that holds components was set.
    mutating func reindex(_ path: PageLayout.Path, _ properties: [String]) {
        let holders = layout.childrenPaths(of: layout[path]).map { $0.prefix { !".[{".contains($0) } }
        if properties.contains(where: { holders.contains($0[...]) }) { layout.index(below: path) }
    }

    /// Whether callbacks are wanted or on their way.
    var isBusy: Bool { !requested.isEmpty || !prioritized.isEmpty || !running.isEmpty }

    /// What has to be done since it was last asked.
    mutating func takeEffects() -> [Effect] {
        defer { effects = [] }
        return effects
    }
}

/// What a call is sent with.
extension Renderer {
    /// Starts a call whose turn has come, unless what it reads or writes is not on the page.
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

    /// Starts that have no job yet are not named in the query; the page drops their answers.
    private mutating func replaceUnansweredStarts(of call: PageCall) {
        for (number, other) in running where other.call.identity == call.identity && other.job == nil {
            running[number]?.isReplaced = true
        }
    }

    /// Jobs that were started for the same outputs count no more.
    private mutating func replacedJobs(_ outputs: JSON) -> String {
        var query = ""
        for handle in jobs.keys.sorted() where jobs[handle]?.outputs == outputs && !outputs.isNull {
            jobs[handle]?.isOutdated = true
            query += "&oldJob=\(handle)"
        }
        return query
    }

    /// Jobs that have an input of this callback as their cancel button.
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
    /// The body of a call's request; nil if none of its inputs is on the page.
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

    /// The outputs of a request; nil for a call that has neither these nor inputs.
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

extension TestError {
    fileprivate static func misplaced(
        _ ref: PropertyRef,
        _ found: [PropertyRef],
        _ role: String,
        of callback: PageCallback
    ) -> TestError {
        let what =
            found.isEmpty
            ? "its \(role) \(ref.text) is not on the page. Put a component with this id into the layout, "
                + "or say allowOptional: true for an input that may be missing"
            : "its \(role) \(ref.text) stands for several components: \(found.map(\.text).joined(separator: ", ")). "
                + "Use .all where a list is meant"
        return TestError(.callback, "The callback of \(callback.title) cannot run: \(what).")
    }
}

extension Renderer.FinishedCall {
    /// A call that ended with these properties updated.
    init(of call: PageCall, outputs: [[PropertyRef]], updated: Set<PropertyRef> = []) {
        self.init(group: call.group ?? 0, possible: Set(outputs.flatMap(\.self)), updated: updated)
    }
}

/// Which calls run, and in which order.
extension Renderer {
    /// Starts whatever may start now.
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

    /// Of several calls of one identity one stays, with the changes of all. An initial one does not count beside others.
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

    /// A call that is wanted anew makes an older one of the same identity worthless.
    private mutating func dropOlder() {
        let identities = Set(requested.map(\.identity))
        prioritized.removeAll { identities.contains($0.identity) }
        for (number, running) in running where identities.contains(running.call.identity) {
            self.running[number]?.counts = false
        }
    }

    /// The calls whose outputs are still there; of lists those that are left.
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

    /// Where calls wait for each other in a circle: the first of them begins it.
    private func circleEntries() -> [PageCall] {
        guard let first = requested.first else { return [] }
        let reach = graph.reach(of: [first], in: layout)
        return [first] + graph.ready(Array(requested.dropFirst()), beside: reach, in: layout)
    }

    /// Whether a call only waited for others of its group, and none of them has changed any of its inputs.
    private func isIrrelevant(_ call: PageCall) -> Bool {
        guard let group = call.group else { return false }
        let others = finished.filter { $0.group == group }
        guard !others.isEmpty, !graph.callbacks[call.callback].inputs.allSatisfy(\.isList) else { return false }
        let inputs = Set(graph.inputs(of: call, in: layout).flatMap(\.self))
        let updated = others.reduce(into: Set()) { $0.formUnion($1.updated) }
        let possible = others.reduce(into: Set()) { $0.formUnion($1.possible) }
        return inputs.isDisjoint(with: updated) && inputs.isSubset(of: possible)
    }

    /// - Returns: whether something was started or turned out to be nothing.
    private mutating func startReady() -> Bool {
        var hasStarted = false
        while !prioritized.isEmpty, countedRunning.count < Self.mostRunning {
            start(prioritized.removeFirst())
            hasStarted = true
        }
        return hasStarted
    }
}
