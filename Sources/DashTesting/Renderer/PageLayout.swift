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
    private let childrenProps: JSON
    private var plain: [ComponentID: Path] = [:]
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
    func path(of id: ComponentID) -> Path? {
        guard !id.members.isEmpty else { return plain[id] }
        return patterns[id.keys]?.first { $0.id == id }?.path
    }

    /// The component with an id.
    func component(_ id: ComponentID) -> JSON? {
        path(of: id).map { self[$0] }.flatMap { $0.isComponent ? $0 : nil }
    }

    /// The value of a property; nil if it is not set.
    func value(_ ref: PropertyRef) -> JSON? { component(ref.id)?["props"].objectValue?[ref.property] }

    /// The components with ids of the same keys, in order.
    func places(like id: ComponentID) -> [Place] {
        if id.members.isEmpty { return plain[id].map { [Place(id: id, path: $0)] } ?? [] }
        return patterns[id.keys] ?? []
    }

    /// All ids, those of names sorted.
    var ids: [ComponentID] {
        plain.keys.sorted { $0.text < $1.text } + patterns.values.flatMap { $0.map(\.id) }.sorted { $0.text < $1.text }
    }

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
        let old = patterns
        plain = plain.filter { !$0.value.starts(with: path) }
        patterns = patterns.mapValues { $0.filter { !$0.path.starts(with: path) } }
        for (component, path) in components(in: self[path], at: path) {
            guard let id = try? ComponentID(json: component["props"]["id"]) else { continue }
            guard !id.members.isEmpty else {
                plain[id] = path
                continue
            }
            let place = Place(id: id, path: path)
            let known = old[id.keys]?.firstIndex(of: place)
            let count = patterns[id.keys]?.count ?? 0
            patterns[id.keys, default: []].insert(place, at: min(known ?? count, count))
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
