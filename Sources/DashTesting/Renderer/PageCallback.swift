import Dash
import DashJSON

struct PageCallback: Sendable {
    /// An input or a state.
    struct Slot: Sendable {
        let ref: PropertyRef
        let isOptional: Bool

        /// Whether it matches a list of components.
        var isList: Bool { ref.id.standsForList }
    }

    /// The callback's name in requests.
    let output: String
    /// The outputs; properties include their `@…`.
    let outputs: [PropertyRef]
    let inputs: [Slot]
    let states: [Slot]
    /// Whether the outputs are sent as a list.
    let isMultiple: Bool
    let hasNoOutput: Bool
    let preventsInitialCall: Bool
    let isBackground: Bool
    /// The clientside function, as `namespace.name`.
    let clientside: String?
    let running: JSONObject
    let runningOff: JSONObject

    /// - Parameter entry: An entry of the dependencies.
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

    /// The first output that matches one component per call.
    var firstSingleOutput: PropertyRef? { outputs.first { !$0.id.standsForList } }

    /// The callback's name in messages.
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

/// A call of a callback for one value of its `match`, from its request to its completion.
struct PageCall: Sendable {
    /// Why an input counts as changed.
    enum Change: Int, Sendable {
        /// It was added to the page, or a pending callback may change it.
        case indirect = 1
        /// It has changed.
        case direct = 2
    }

    /// The number of its request, unique per call.
    var number = 0
    let callback: Int
    let reference: WildcardReference?
    /// Distinguishes calls of one callback.
    let matchText: String

    /// The inputs that changed, in order.
    private(set) var changed: [(ref: PropertyRef, change: Change)] = []
    /// The index of each of them, since a whole list may have changed.
    private var places: [PropertyRef: Int] = [:]
    var isInitial = false
    /// The callbacks that led here, to break cycles.
    var predecessors: [Int] = []
    /// The layout change that this initial call belongs to; calls of a group are dropped if their inputs did not
    /// change.
    var group: Int?

    init(callback: Int, reference: WildcardReference?, matchText: String) {
        self.callback = callback
        self.reference = reference
        self.matchText = matchText
    }

    /// Equal for calls of which only the last counts.
    var identity: String { "\(callback)\n\(matchText)" }

    mutating func add(_ ref: PropertyRef, _ change: Change) {
        if let place = places[ref] {
            if change.rawValue > changed[place].change.rawValue { changed[place].change = change }
        } else {
            places[ref] = changed.count
            changed.append((ref, change))
        }
    }

    mutating func removeChanges(where isOver: (PropertyRef) -> Bool = { _ in true }) {
        let kept = changed.filter { !isOver($0.ref) }
        (changed, places) = ([], [:])
        for (ref, change) in kept { add(ref, change) }
    }

    /// This call with the changes of another call of the same identity.
    func merging(_ other: PageCall) -> PageCall {
        var merged = self
        for (ref, change) in other.changed { merged.add(ref, change) }
        merged.isInitial = isInitial || other.isInitial
        return merged
    }
}
