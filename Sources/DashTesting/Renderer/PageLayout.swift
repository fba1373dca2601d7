import Dash
import DashJSON

/// The components of a page: the layout as the server gave it and callbacks have changed it, and where each id is.
struct PageLayout: Sendable {
    /// One step from a value to a part of it.
    enum Step: Sendable, Hashable {
        case key(String)
        case index(Int)
    }

    typealias Path = [Step]

    /// Where a component is.
    struct Place: Sendable, Hashable {
        var id: ComponentID
        var path: Path
    }

    private(set) var root: JSON
    /// Rises when components come and go.
    private(set) var edition = 0
    private let childrenProps: JSON
    private var paths: [ComponentID: Path] = [:]
    /// Components with pattern ids, by the keys of these ids, in the order in which lists of them are sent.
    private var patterns: [[String]: [Place]] = [:]

    /// - Parameters:
    ///   - root: the layout.
    ///   - childrenProps: which other properties than `children` hold components, from the page's configuration.
    init(_ root: JSON, childrenProps: JSON) {
        self.root = root
        self.childrenProps = childrenProps
        index(below: [])
    }

    /// The component at a place; null if there is none.
    subscript(path: Path) -> JSON { root.value(at: path) }

    /// Where a component is; nil if the page has none with this id.
    func path(of id: ComponentID) -> Path? { paths[id] }

    /// The component with an id.
    func component(_ id: ComponentID) -> JSON? {
        path(of: id).map { self[$0] }.flatMap { $0.isComponent ? $0 : nil }
    }

    /// The value of a property; nil if it is not set.
    func value(_ ref: PropertyRef) -> JSON? { component(ref.id)?["props"].objectValue?[ref.property] }

    /// The components with ids of the same keys, in order.
    func places(like id: ComponentID) -> [Place] {
        if id.members.isEmpty { return paths[id].map { [Place(id: id, path: $0)] } ?? [] }
        return patterns[id.keys] ?? []
    }

    /// All ids, sorted: names first, as a pattern's text begins with a brace.
    var ids: [ComponentID] { paths.keys.sorted { $0.text < $1.text } }

    /// Sets a property of a component that is there.
    mutating func set(_ property: String, to value: JSON, at path: Path) {
        root.set(value, at: (path + [.key("props"), .key(property)])[...])
    }

    /// The properties of a component that hold other components, `children` first.
    func childrenPaths(of component: JSON) -> [String] {
        let more = childrenProps[component["namespace"].stringValue ?? ""][component["type"].stringValue ?? ""]
        return ["children"] + (more.arrayValue ?? []).compactMap(\.stringValue)
    }
}

// MARK: - Walking

extension PageLayout {
    /// The components in a part of the layout, each before those within it.
    func components(in value: JSON, at path: Path = []) -> [(component: JSON, path: Path)] {
        var found: [(component: JSON, path: Path)] = []
        walk(value, path) { found.append(($0, $1)) }
        return found
    }

    private func walk(_ value: JSON, _ path: Path, _ visit: (JSON, Path) -> Void) {
        if let items = value.arrayValue {
            for (index, item) in items.enumerated() { walk(item, path + [.index(index)], visit) }
        } else if value.isComponent {
            visit(value, path)
            for property in childrenPaths(of: value) {
                let steps = property.split(separator: ".")[...]
                follow(steps, value["props"], path + [.key("props")], visit)
            }
        }
    }

    /// Follows a path such as `items[].label` to the components at its end.
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

    /// Finds the ids below a place anew. Those that stay keep their order, new ones come after.
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

extension ComponentID {
    /// The keys of a pattern, sorted; none for a name.
    var keys: [String] { members.keys.sorted() }
}

extension JSON {
    /// Whether this is a component of a layout.
    var isComponent: Bool {
        guard let object = objectValue else { return false }
        return object["props"]?.objectValue != nil && object["type"]?.stringValue != nil
            && object["namespace"]?.stringValue != nil
    }

    /// A part of this value; null if it is not there.
    func value(at path: PageLayout.Path) -> JSON {
        path.reduce(self) { value, step in
            switch step {
            case .key(let key): value[key]
            case .index(let index): value[index]
            }
        }
    }

    fileprivate mutating func set(_ value: JSON, at path: ArraySlice<PageLayout.Step>) {
        guard let step = path.first else {
            self = value
            return
        }
        switch (step, self) {
        case (.key(let key), _):
            var member = self[key]
            member.set(value, at: path.dropFirst())
            self[key] = member
        case (.index(let index), .array(var items)) where items.indices.contains(index):
            items[index].set(value, at: path.dropFirst())
            self = .array(items)
        default: break
        }
    }
}
