import Dash
import DashJSON

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
