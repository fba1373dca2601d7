import Dash
import DashJSON

/// One callback as the page knows it, from the dependencies.
struct PageCallback: Sendable {
    /// An input or a state.
    struct Slot: Sendable {
        let ref: PropertyRef
        let isOptional: Bool

        /// Whether it stands for a list of components.
        var isList: Bool { ref.id.standsForList }
    }

    /// The text by which requests name the callback.
    let output: String
    /// The outputs; a property keeps its `@…` here.
    let outputs: [PropertyRef]
    let inputs: [Slot]
    let states: [Slot]
    /// Whether the outputs are sent as a list.
    let isMultiple: Bool
    let hasNoOutput: Bool
    let preventsInitialCall: Bool
    let isBackground: Bool
    /// The function in the browser, as `namespace.name`.
    let clientside: String?
    let running: JSONObject
    let runningOff: JSONObject

    /// - Parameter entry: one of the dependencies.
    init(_ entry: JSON) {
        output = entry["output"].stringValue ?? ""
        hasNoOutput = entry["no_output"].boolValue ?? false
        isMultiple = !hasNoOutput && output.hasPrefix("..")
        outputs = hasNoOutput ? [] : Self.outputs(in: output)
        inputs = Self.slots(entry["inputs"])
        states = Self.slots(entry["state"])
        preventsInitialCall = entry["prevent_initial_call"].boolValue ?? false
        isBackground = !entry["background"].isNull
        let function = entry["clientside_function"]
        clientside = function["namespace"].stringValue.map { "\($0).\(function["function_name"].stringValue ?? "")" }
        running = entry["running"]["running"].objectValue ?? [:]
        runningOff = entry["running"]["runningOff"].objectValue ?? [:]
    }

    /// The keys of the outputs' `match`.
    var matchKeys: Set<String> { outputs.first?.id.matchKeys ?? [] }

    /// The first output that stands for one component a call.
    var firstSingleOutput: PropertyRef? { outputs.first { !$0.id.standsForList } }

    /// What people know the callback by.
    var title: String {
        if hasNoOutput { return "the callback without outputs on \(inputs.map(\.ref.text).joined(separator: ", "))" }
        return outputs.map { PropertyRef(id: $0.id, property: $0.plainProperty).text }.joined(separator: ", ")
    }

    private static func outputs(in text: String) -> [PropertyRef] {
        guard text.hasPrefix("..") else { return [PropertyRef(text: text)].compactMap(\.self) }
        return text.dropFirst(2).dropLast(2).split(separator: "...").compactMap { PropertyRef(text: String($0)) }
    }

    private static func slots(_ list: JSON) -> [Slot] {
        (list.arrayValue ?? []).compactMap { entry in
            guard let id = try? ComponentID(text: entry["id"].stringValue ?? "") else { return nil }
            let ref = PropertyRef(id: id, property: entry["property"].stringValue ?? "")
            return Slot(ref: ref, isOptional: entry["allow_optional"].boolValue ?? false)
        }
    }
}

extension PropertyRef {
    /// The property without the `@…` of a duplicate output.
    var plainProperty: String { String(property.prefix { $0 != "@" }) }

    /// `{"id": …, "property": …}`
    var entry: JSON { ["id": id.json, "property": .string(property)] }
}

/// One call of a callback, from the wish to run it to its end: for one choice of what its `match` stands for.
struct PageCall: Sendable {
    /// Why an input is among those that changed.
    enum Change: Int, Sendable {
        /// It is on the page anew, or a callback that may still change it is to run.
        case indirect = 1
        /// It has changed.
        case direct = 2
    }

    /// What its request is known by; each call has its own.
    var number = 0
    /// The place of its callback among all.
    let callback: Int
    let reference: WildcardReference?
    /// Tells calls of one callback apart.
    let matchText: String

    /// The inputs that changed, in order.
    private(set) var changed: [(ref: PropertyRef, change: Change)] = []
    /// Where each of them is, for a list of components may have changed as a whole.
    private var places: [PropertyRef: Int] = [:]
    var isInitial = false
    /// The callbacks whose results led here, so that circles end.
    var predecessors: [Int] = []
    /// The change of the layout that it is an initial call of; those of one change drop each other when nothing changed.
    var group: Int?

    init(callback: Int, reference: WildcardReference?, matchText: String) {
        self.callback = callback
        self.reference = reference
        self.matchText = matchText
    }

    /// The same text for calls of which only the last counts.
    var identity: String { "\(callback)\n\(matchText)" }

    mutating func add(_ ref: PropertyRef, _ change: Change) {
        if let place = places[ref] {
            if change.rawValue > changed[place].change.rawValue { changed[place].change = change }
        } else {
            places[ref] = changed.count
            changed.append((ref, change))
        }
    }

    /// Forgets changes.
    mutating func removeChanges(where isOver: (PropertyRef) -> Bool = { _ in true }) {
        let kept = changed.filter { !isOver($0.ref) }
        (changed, places) = ([], [:])
        for (ref, change) in kept { add(ref, change) }
    }

    /// This call with the changes of another one of the same identity.
    func merging(_ other: PageCall) -> PageCall {
        var merged = self
        for (ref, change) in other.changed { merged.add(ref, change) }
        merged.isInitial = isInitial || other.isInitial
        return merged
    }
}
