import DashJSON
import Support

/// Checks for a layout that is known at start, and for the ids that callbacks use.
struct LayoutRules {
    private let layout: JSON
    private let location: SourceLocation
    /// The ids in layout order, including duplicates.
    private let ids: [ComponentID]
    /// The invalid values of `id`.
    private let invalid: [JSON]

    /// Creates the checks of a layout.
    ///
    /// - Parameters:
    ///   - layout: The layout's JSON.
    ///   - location: The declaration of the app.
    init(_ layout: JSON, at location: SourceLocation) {
        self.layout = layout
        self.location = location
        var found: [JSON] = []
        Self.collectIDs(in: layout, into: &found)
        let read = found.map { ($0, try? ComponentID(json: $0)) }
        ids = read.compactMap(\.1)
        invalid = read.filter { $0.1 == nil }.map(\.0)
    }

    /// The mistakes in the layout itself.
    var findings: [Finding] { (form + names + repeated).map(location.finding) }

    func has(_ id: ComponentID) -> Bool { ids.contains(id) }

    /// Ids of a page that the surrounding layout has too.
    func shared(with outer: LayoutRules) -> [Finding] {
        let others = Set(outer.ids)
        return ids.filter(others.contains).map { id in
            location.finding(
                """
                The page and the app's layout both have a component with the id \(id). Rename one of them, as ids must \
                be unique.
                """
            )
        }
    }

    private var form: [String] {
        switch layout {
        case .null: ["The layout is empty. Set app.layout to a component, a text, or a list of these."]
        case .bool, .int, .double:
            ["Invalid layout \(layout.excerpt). Use a component, a text, or a list of these."]
        case .object where !Self.isComponent(layout): ["Invalid layout without type and namespace. Use a component."]
        case .string, .array, .object: []
        }
    }

    private var names: [String] {
        let wrong = ids.compactMap { id in
            id.hasWildcard
                ? "The id \(id) of a component has a wildcard. Use constants only."
                : IdentifierRules.sentence(for: id)
        }
        return invalid.map { "Invalid id \($0.excerpt) of a component in the layout. Use a string." }
            + wrong
    }

    private var repeated: [String] {
        let counts = Dictionary(grouping: ids, by: \.self).mapValues(\.count)
        return ids.unique.filter { counts[$0, default: 0] > 1 }
            .map { "Two components of the layout have the id \($0). Rename one of them." }
    }

    /// Ids that callbacks use and the layout does not have.
    ///
    /// - Parameter callbacks: The callbacks to check.
    func missing(in callbacks: [Callback]) -> [Finding] {
        let known = Set(ids)
        return callbacks.filter { !$0.isOptional }.flatMap { callback -> [Finding] in
            let slots = callback.slots.filter { !$0.isOptional }.map(\.ref.id)
            let all = callback.outputs.map(\.ref.id) + slots + (callback.background?.cancel ?? []).map(\.id)
            return all.filter { !$0.hasWildcard && !known.contains($0) }.unique.map { id in
                callback.location.finding(
                    """
                    The layout has no component with the id \(id). Correct the id, or, if the component is added later, \
                    use DashApp(suppressCallbackExceptions: true), or optional: true for this callback.
                    """
                )
            }
        }
    }

    private static func isComponent(_ json: JSON) -> Bool {
        json["props"].objectValue != nil && json["type"].stringValue != nil && json["namespace"].stringValue != nil
    }

    /// Collects the ids of all components, in children and other properties.
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
