import DashJSON

/// The rules for a layout that is known at start, and for the ids that callbacks name in it.
struct LayoutRules {
    private let layout: JSON
    private let location: SourceLocation
    /// The ids in the order of the layout, repeated ones too.
    private let ids: [ComponentID]
    /// Values of `id` that are none.
    private let invalid: [JSON]

    /// - Parameters:
    ///   - layout: the layout's JSON.
    ///   - location: where the app is declared.
    init(_ layout: JSON, at location: SourceLocation) {
        self.layout = layout
        self.location = location
        var found: [JSON] = []
        Self.collectIDs(in: layout, into: &found)
        let read = found.map { ($0, try? ComponentID(json: $0)) }
        ids = read.compactMap(\.1)
        invalid = read.filter { $0.1 == nil }.map(\.0)
    }

    /// What is wrong with the layout itself.
    var findings: [Finding] { (form + names + repeated).map { Finding(location: location, sentence: $0) } }

    /// Whether the layout has a component with this id.
    func has(_ id: ComponentID) -> Bool { ids.contains(id) }

    /// Ids of a page that the layout around it has too.
    func shared(with outer: LayoutRules) -> [Finding] {
        let others = Set(outer.ids)
        return ids.filter(others.contains).map { id in
            Finding(
                location: location,
                sentence: """
                    The page has a component with the id \(id), and so has the app's layout around it: the browser knows \
                    only one of them, so rename the other.
                    """
            )
        }
    }

    private var form: [String] {
        switch layout {
        case .null: ["The layout is empty: set app.layout to a component, a text, or a list of these."]
        case .bool, .int, .double:
            ["The layout is \(layout.excerpt): it has to be a component, a text, or a list of these."]
        case .object where !Self.isComponent(layout): ["The layout is no component: it has no type and namespace."]
        case .string, .array, .object: []
        }
    }

    private var names: [String] {
        let wrong = ids.compactMap { id in
            id.hasWildcard
                ? "The component with the id \(id) has a wildcard in it: a component's own id has constants only."
                : IdentifierRules.sentence(for: id)
        }
        return invalid.map { "The layout has a component with the id \($0.excerpt), which is none: give it a text." }
            + wrong
    }

    private var repeated: [String] {
        var seen: [ComponentID: Int] = [:]
        for id in ids { seen[id, default: 0] += 1 }
        return ids.filter { id in
            guard let count = seen[id], count > 1 else { return false }
            seen[id] = nil
            return true
        }.map {
            "Two components of the layout have the id \($0): the browser knows only one of them, so rename the other."
        }
    }

    /// What callbacks name and the layout does not have.
    ///
    /// - Parameter callbacks: those whose components must be there.
    func missing(in callbacks: [Callback]) -> [Finding] {
        let known = Set(ids)
        return callbacks.filter { !$0.isOptional }.flatMap { callback -> [Finding] in
            let slots = callback.slots.filter { !$0.isOptional }.map(\.ref.id)
            let all = callback.outputs.map(\.ref.id) + slots + (callback.background?.cancel ?? []).map(\.id)
            var seen: Set<ComponentID> = []
            return all.filter { !$0.hasWildcard && !known.contains($0) && seen.insert($0).inserted }.map { id in
                Finding(
                    location: callback.location,
                    sentence: """
                        The layout has no component with the id \(id): give one this id, or, if it comes later, say \
                        DashApp(suppressCallbackExceptions: true), or optional: true for this callback.
                        """
                )
            }
        }
    }

    private static func isComponent(_ json: JSON) -> Bool {
        json["props"].objectValue != nil && json["type"].stringValue != nil && json["namespace"].stringValue != nil
    }

    /// Every component's id, wherever the component stands: in children, or in another property.
    private static func collectIDs(in json: JSON, into ids: inout [JSON]) {
        switch json {
        case .array(let items): for item in items { collectIDs(in: item, into: &ids) }
        case .object(let object):
            if isComponent(json), case let id = json["props"]["id"], !id.isNull { ids.append(id) }
            for (_, value) in object { collectIDs(in: value, into: &ids) }
        default: break
        }
    }
}
