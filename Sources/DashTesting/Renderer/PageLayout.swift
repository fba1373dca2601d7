import Dash
import DashJSON

/// A page's layout with the changes of callbacks, and the path of each id.
struct PageLayout: Sendable {
    /// A step from a value to one of its parts.
    enum Step: Sendable, Hashable {
        case key(String)
        case index(Int)
    }

    typealias Path = [Step]

    /// The path of a component.
    struct Place: Sendable, Hashable {
        var id: ComponentID
        var path: Path
    }

    private(set) var root: JSON
    /// Incremented when components are added or removed.
    private(set) var edition = 0
    private let childrenProps: JSON
    private var paths: [ComponentID: Path] = [:]
    /// Components with pattern ids, by the keys of their ids, in the order of lists in requests.
    private var patterns: [[String]: [Place]] = [:]

    /// - Parameters:
    ///   - root: The layout.
    ///   - childrenProps: The properties other than `children` that contain components, from the page's configuration.
    init(_ root: JSON, childrenProps: JSON) {
        self.root = root
        self.childrenProps = childrenProps
        index(below: [])
    }

    /// The component at a path; null if there is none.
    subscript(path: Path) -> JSON { Self.part(of: root, at: path) }

    /// The path of a component; nil if the page has none with this id.
    func path(of id: ComponentID) -> Path? { paths[id] }

    func component(_ id: ComponentID) -> JSON? {
        path(of: id).map { self[$0] }.flatMap { Self.isComponent($0) ? $0 : nil }
    }

    /// The value of a property; nil if it is not set.
    func value(_ ref: PropertyRef) -> JSON? { component(ref.id)?["props"].objectValue?[ref.property] }

    /// The components whose ids have the same keys, in order.
    func places(like id: ComponentID) -> [Place] {
        if id.members.isEmpty { return paths[id].map { [Place(id: id, path: $0)] } ?? [] }
        return patterns[id.keys] ?? []
    }

    /// All ids, sorted: strings first, as a pattern's text starts with a brace.
    var ids: [ComponentID] { paths.keys.sorted { $0.text < $1.text } }

    /// Sets a property of an existing component.
    mutating func set(_ property: String, to value: JSON, at path: Path) {
        Self.set(value, at: (path + [.key("props"), .key(property)])[...], of: &root)
    }

    /// The properties of a component that contain other components, `children` first.
    func childrenPaths(of component: JSON) -> [String] {
        let more = childrenProps[component["namespace"].stringValue ?? ""][component["type"].stringValue ?? ""]
        return ["children"] + (more.arrayValue ?? []).compactMap(\.stringValue)
    }

    func text(in value: JSON) -> String {
        switch value {
        case .string(let text): text
        case .int, .double: value.text
        case .array(let items): items.map(text).joined()
        case .object where Self.isComponent(value):
            childrenPaths(of: value).map { text(in: value["props"][$0]) }.joined()
        case .object, .bool, .null: ""
        }
    }

    /// Whether a value is a component of a layout.
    static func isComponent(_ value: JSON) -> Bool {
        guard let object = value.objectValue else { return false }
        return object["props"]?.objectValue != nil && object["type"]?.stringValue != nil
            && object["namespace"]?.stringValue != nil
    }

    /// A part of a value; null if it does not exist.
    static func part(of value: JSON, at path: Path) -> JSON {
        path.reduce(value) { value, step in
            switch step {
            case .key(let key): value[key]
            case .index(let index): value[index]
            }
        }
    }

    private static func set(_ value: JSON, at path: ArraySlice<Step>, of whole: inout JSON) {
        guard let step = path.first else {
            whole = value
            return
        }
        switch (step, whole) {
        case (.key(let key), _):
            var member = whole[key]
            set(value, at: path.dropFirst(), of: &member)
            whole[key] = member
        case (.index(let index), .array(var items)) where items.indices.contains(index):
            set(value, at: path.dropFirst(), of: &items[index])
            whole = .array(items)
        default: break
        }
    }
}

// MARK: - Walking

extension PageLayout {
    /// The components in a part of the layout, each before its descendants.
    func components(in value: JSON, at path: Path = []) -> [(component: JSON, path: Path)] {
        var found: [(component: JSON, path: Path)] = []
        walk(value, path) { found.append(($0, $1)) }
        return found
    }

    private func walk(_ value: JSON, _ path: Path, _ visit: (JSON, Path) -> Void) {
        if let items = value.arrayValue {
            for (index, item) in items.enumerated() { walk(item, path + [.index(index)], visit) }
        } else if Self.isComponent(value) {
            visit(value, path)
            for property in childrenPaths(of: value) {
                let steps = property.split(separator: ".")[...]
                follow(steps, value["props"], path + [.key("props")], visit)
            }
        }
    }

    /// Follows a path such as `items[].label` to its components.
    private func follow(_ steps: ArraySlice<Substring>, _ value: JSON, _ path: Path, _ visit: (JSON, Path) -> Void) {
        guard let step = steps.first else { return walk(value, path, visit) }
        let name = String(step.prefix { $0 != "[" && $0 != "{" })
        let (member, place) = (value[name], path + [.key(name)])
        if step.hasSuffix("[]") {
            for (index, item) in (member.arrayValue ?? []).enumerated() {
                follow(steps.dropFirst(), item, place + [.index(index)], visit)
            }
        } else if step.hasSuffix("{}") {
            for (key, item) in member.objectValue ?? [:] {
                follow(steps.dropFirst(), item, place + [.key(key)], visit)
            }
        } else if !member.isNull {
            follow(steps.dropFirst(), member, place, visit)
        }
    }

    /// Updates the ids below a path. Existing ids keep their order, new ones follow.
    mutating func index(below path: Path) {
        let found = components(in: self[path], at: path).compactMap { component, path in
            (try? ComponentID(json: component["props"]["id"])).map { Place(id: $0, path: path) }
        }
        let known = paths.filter { $0.value.starts(with: path) }
        guard !found.isEmpty || !known.isEmpty else { return }
        edition += 1
        let old = patterns
        for (id, _) in known { paths[id] = nil }
        patterns = patterns.mapValues { $0.filter { !$0.path.starts(with: path) } }
        for place in found {
            paths[place.id] = place.path
            let keys = place.id.keys
            guard !keys.isEmpty else { continue }
            let count = patterns[keys]?.count ?? 0
            let before = old[keys]?.firstIndex(of: place)
            patterns[keys, default: []].insert(place, at: min(before ?? count, count))
        }
    }
}
