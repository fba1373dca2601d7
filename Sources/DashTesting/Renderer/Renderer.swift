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
