import Dash
import DashJSON

/// A component with behavior beyond displaying its properties.
struct MountedComponent: Sendable {
    /// The types of such components.
    enum Kind: String, Sendable {
        case location = "Location"
        case store = "Store"
        case interval = "Interval"
        case tabs = "Tabs"
        case download = "Download"
    }

    let kind: Kind
    /// The next tick of an interval.
    var nextTick: Duration?

    /// - Returns: nil for other components.
    init?(_ component: JSON, now: TestClock.Instant) {
        guard component["namespace"] == "dash_core_components",
            let kind = component["type"].stringValue.flatMap(Kind.init(rawValue:))
        else { return nil }
        self.kind = kind
        if kind == .interval { nextTick = now.offset + Self.period(of: component["props"]) }
    }

    /// The period of an interval.
    static func period(of props: JSON) -> Duration { .milliseconds(max(1, props["interval"].intValue ?? 1000)) }

    /// Whether an interval is active.
    static func ticks(_ props: JSON) -> Bool {
        let most = props["max_intervals"].intValue ?? -1
        return props["disabled"].boolValue != true && (most < 0 || (props["n_intervals"].intValue ?? 0) < most)
    }
}

/// The behavior of components when they appear, and when their properties change.
extension TestPage.State {
    /// Mounts new components, and drops removed ones.
    mutating func react(_ renderer: inout Renderer, _ browser: TestBrowser, _ now: TestClock.Instant) {
        guard renderer.layout.edition != mountedEdition else { return }
        mountedEdition = renderer.layout.edition
        var present: [ComponentID: MountedComponent] = [:]
        for (component, _) in renderer.layout.components(in: renderer.layout.root) {
            guard let id = try? ComponentID(json: component["props"]["id"]),
                let new = MountedComponent(component, now: now)
            else { continue }
            present[id] = mounted[id] ?? new
            if mounted[id] == nil { mount(id, new.kind, component["props"], &renderer, browser, now) }
        }
        mounted = present
    }

    private mutating func mount(
        _ id: ComponentID,
        _ kind: MountedComponent.Kind,
        _ props: JSON,
        _ renderer: inout Renderer,
        _ browser: TestBrowser,
        _ now: TestClock.Instant
    ) {
        switch kind {
        case .location: renderer.set(id, location.properties.filter { props[$0.name].isNull })
        case .store: restore(id, props, &renderer, browser, now)
        case .tabs:
            guard props["value"].isNull else { return }
            let first = props["children"].arrayValue?.first ?? props["children"]
            guard PageLayout.isComponent(first) else { return }
            let value = first["props"]["value"]
            renderer.set(id, [("value", value.isNull ? "tab-1" : value)])
        case .interval, .download: break
        }
    }

    /// Lets a component react to a change of its properties.
    mutating func react(
        to properties: [String],
        of id: ComponentID,
        isByCallback: Bool,
        _ renderer: inout Renderer,
        _ browser: TestBrowser,
        _ now: TestClock.Instant
    ) {
        guard let kind = mounted[id]?.kind, let props = renderer.layout.component(id)?["props"] else { return }
        switch kind {
        case .location where isByCallback: go(by: id, properties, props, &renderer)
        case .store: keep(id, properties, props, &renderer, browser, now)
        case .interval where properties.contains("interval"):
            mounted[id]?.nextTick = now.offset + MountedComponent.period(of: props)
        case .download where properties.contains("data"):
            if let download = Download(props["data"]) { downloads.append(download) }
        default: break
        }
    }
}

// MARK: - Location

extension TestPage.State {
    /// Goes to the address that a callback has set on a `dcc.Location`.
    private mutating func go(
        by id: ComponentID,
        _ properties: [String],
        _ props: JSON,
        _ renderer: inout Renderer
    ) {
        var target = location
        for property in ["href", "pathname", "search", "hash"] where properties.contains(property) {
            if let value = props[property].stringValue { target = target.setting(property, to: value) }
        }
        guard target != location else { return }
        switch props["refresh"] {
        case .bool(false): location = target
        case .string: move(to: target, &renderer)
        default: destination = target
        }
    }

    /// Changes the address without loading a page, and updates every `dcc.Location`.
    mutating func move(to target: PageAddress, _ renderer: inout Renderer) {
        location = target
        for id in mounted.keys.sorted(by: { $0.text < $1.text }) where mounted[id]?.kind == .location {
            renderer.set(id, target.properties)
        }
    }
}

// MARK: - Store

extension TestPage.State {
    /// Restores a store's data; data stored in the browser takes precedence over the layout's.
    private mutating func restore(
        _ id: ComponentID,
        _ props: JSON,
        _ renderer: inout Renderer,
        _ browser: TestBrowser,
        _ now: TestClock.Instant
    ) {
        let kept =
            switch props["storage_type"] {
            case "local": browser.storage[id.text]
            case "session": storage[id.text]
            default: JSON?.none
            }
        if let kept, kept != props["data"] {
            renderer.set(id, [("data", kept), ("modified_timestamp", now.timestamp)])
        } else if kept == nil, !props["data"].isNull {
            keep(id, props["data"], props["storage_type"], browser)
            renderer.set(id, [("modified_timestamp", now.timestamp)])
        }
    }

    private mutating func keep(
        _ id: ComponentID,
        _ properties: [String],
        _ props: JSON,
        _ renderer: inout Renderer,
        _ browser: TestBrowser,
        _ now: TestClock.Instant
    ) {
        if properties.contains("clear_data"), props["clear_data"] == true {
            keep(id, .null, props["storage_type"], browser)
            renderer.set(
                id,
                [("clear_data", false), ("data", .null), ("modified_timestamp", now.timestamp)]
            )
        } else if properties.contains("data"), !properties.contains("modified_timestamp") {
            keep(id, props["data"], props["storage_type"], browser)
            renderer.set(id, [("modified_timestamp", now.timestamp)])
        }
    }

    private mutating func keep(_ id: ComponentID, _ data: JSON, _ storageType: JSON, _ browser: TestBrowser) {
        let kept = data.isNull ? nil : data
        if storageType == "local" { browser.storage[id.text] = kept }
        if storageType == "session" { storage[id.text] = kept }
    }
}

extension TestClock.Instant {
    /// The wall time in milliseconds, as in the browser.
    var timestamp: JSON { .int(Int((ManagerClock.begin + offset).milliseconds)) }
}
