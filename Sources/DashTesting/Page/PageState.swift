import Dash
import DashJSON

/// The state of a page: what it shows, its address and storage, and what its callbacks have sent.
struct PageState {
    /// Incremented with each load; results of earlier loads are ignored.
    private(set) var load = 0
    private(set) var renderer: Renderer?
    private let browser: TestBrowser
    /// The time of the last change.
    private var now = TestClock.Instant(offset: .zero)
    /// Where callback requests go.
    private(set) var endpoint = CallbackEndpoint()
    private(set) var title = ""
    private(set) var location: PageAddress
    private(set) var downloads: [Download] = []
    private(set) var notices: [String] = []
    private(set) var errors: [TestError] = []
    /// The bodies of all callback requests.
    private(set) var sent: [JSON] = []
    /// The data of each `dcc.Store` with `storage_type="session"`.
    private var storage: [String: JSON] = [:]
    private var mounted: [ComponentID: MountedComponent] = [:]
    /// The layout's edition when components were last mounted.
    private var mountedEdition = 0
    /// Text typed into components that report it later.
    private var typed: [ComponentID: JSON] = [:]
    /// The number of errors already thrown.
    private var thrown = 0
    /// The address to which a callback has sent the browser.
    private var destination: PageAddress?

    init(location: PageAddress, browser: TestBrowser) {
        self.location = location
        self.browser = browser
    }

    /// Shows a loaded page in place of the previous one.
    mutating func begin(_ page: LoadedPage) {
        load += 1
        renderer = page.renderer
        mounted = [:]
        mountedEdition = 0
        location = page.location
        endpoint = page.endpoint
        title = page.title
    }

    /// Sets the title, as the built-in clientside function of multi-page apps does.
    mutating func setTitle(_ title: String) { self.title = title }

    /// Keeps text typed into a component that reports it later.
    mutating func hold(_ text: String, typedInto id: ComponentID) { typed[id] = .string(text) }

    mutating func takeTyped(in id: ComponentID) -> JSON? { typed.removeValue(forKey: id) }

    /// Adds the body of a callback request.
    ///
    /// - Returns: The number of the request on this page.
    mutating func record(_ body: JSON) -> Int {
        sent.append(body)
        return sent.count
    }

    mutating func note(_ error: TestError) { errors.append(error) }

    /// Shows the notice of a call's response, unless a later start has replaced the call.
    mutating func show(_ notice: String, of call: Int) {
        guard renderer?.running[call]?.isReplaced != true else { return }
        notices.append(notice)
    }

    /// The errors since the last call.
    mutating func takeNewErrors() -> [TestError] {
        defer { thrown = errors.count }
        return Array(errors[thrown...])
    }

    mutating func takeDestination() -> PageAddress? {
        defer { destination = nil }
        return destination
    }
}

extension PageState {
    mutating func apply<Result>(_ change: (inout Renderer) -> Result, of load: Int?) -> Result? {
        guard var renderer, load == nil || load == self.load else { return nil }
        self.renderer = nil
        defer { self.renderer = renderer }
        return change(&renderer)
    }

    /// Runs reactions of components and starts callbacks until no more can start.
    ///
    /// - Returns: Effects to perform without the lock.
    mutating func follow(now: TestClock.Instant) -> [Renderer.Effect] {
        self.now = now
        var outside: [Renderer.Effect] = []
        while true {
            react()
            renderer?.advance()
            let effects = renderer?.takeEffects() ?? []
            if effects.isEmpty { break }
            for effect in effects {
                if case .changed(let id, let properties, let isByCallback) = effect {
                    react(to: properties, of: id, isByCallback: isByCallback)
                } else {
                    outside.append(effect)
                }
            }
        }
        errors += renderer?.errors ?? []
        renderer?.errors = []
        return outside
    }

    private mutating func set(_ id: ComponentID, _ properties: [(name: String, value: JSON)]) {
        renderer?.set(id, properties)
    }
}

/// Ticks of intervals.
extension PageState {
    /// The next tick of an interval.
    var nextTick: Duration? {
        guard let layout = renderer?.layout else { return nil }
        return mounted.compactMap { id, component in
            let props = layout.component(id)?["props"] ?? .null
            return MountedComponent.ticks(props) ? component.nextTick : nil
        }
        .min()
    }

    /// The intervals that tick at `time`; each is set to its next tick.
    mutating func takeTicks(at time: Duration) -> [ComponentID] {
        guard let layout = renderer?.layout else { return [] }
        var due: [ComponentID] = []
        for (id, component) in mounted {
            guard let next = component.nextTick, next <= time, let props = layout.component(id)?["props"] else {
                continue
            }
            mounted[id]?.nextTick = time + MountedComponent.period(of: props)
            if MountedComponent.ticks(props) { due.append(id) }
        }
        return due.sorted { $0.text < $1.text }
    }
}

/// The behavior of components when they appear, and when their properties change.
extension PageState {
    /// Mounts new components, and drops removed ones.
    private mutating func react() {
        guard let layout = renderer?.layout, layout.edition != mountedEdition else { return }
        mountedEdition = layout.edition
        var present: [ComponentID: MountedComponent] = [:]
        for (component, _) in layout.components(in: layout.root) {
            guard let id = try? ComponentID(json: component["props"]["id"]),
                let new = MountedComponent(component, now: now)
            else { continue }
            present[id] = mounted[id] ?? new
            if mounted[id] == nil { mount(id, new.kind, component["props"]) }
        }
        mounted = present
    }

    private mutating func mount(_ id: ComponentID, _ kind: MountedComponent.Kind, _ props: JSON) {
        switch kind {
        case .location: set(id, location.properties.filter { props[$0.name].isNull })
        case .store: restore(id, props)
        case .tabs:
            guard props["value"].isNull else { return }
            let first = props["children"].arrayValue?.first ?? props["children"]
            guard PageLayout.isComponent(first) else { return }
            let value = first["props"]["value"]
            set(id, [("value", value.isNull ? "tab-1" : value)])
        case .interval, .download: break
        }
    }

    /// Lets a component react to a change of its properties.
    private mutating func react(to properties: [String], of id: ComponentID, isByCallback: Bool) {
        guard let kind = mounted[id]?.kind, let props = renderer?.layout.component(id)?["props"] else { return }
        switch kind {
        case .location where isByCallback: go(properties, props)
        case .store: keep(id, properties, props)
        case .interval where properties.contains("interval"):
            mounted[id]?.nextTick = now.offset + MountedComponent.period(of: props)
        case .download where properties.contains("data"):
            if let download = Download(props["data"]) { downloads.append(download) }
        default: break
        }
    }
}

// MARK: - Location

extension PageState {
    /// Goes to the address that a callback has set on a `dcc.Location`.
    private mutating func go(_ properties: [String], _ props: JSON) {
        var target = location
        for property in ["href", "pathname", "search", "hash"] where properties.contains(property) {
            if let value = props[property].stringValue { target = target.setting(property, to: value) }
        }
        guard target != location else { return }
        switch props["refresh"] {
        case .bool(false): location = target
        case .string: for id in move(to: target) { set(id, target.properties) }
        default: destination = target
        }
    }

    /// Changes the address without loading a page.
    ///
    /// - Returns: Every `dcc.Location`, which the caller updates.
    mutating func move(to target: PageAddress) -> [ComponentID] {
        location = target
        return mounted.filter { $0.value.kind == .location }.keys.sorted { $0.text < $1.text }
    }
}

// MARK: - Store

extension PageState {
    /// Restores a store's data; data stored in the browser takes precedence over the layout's.
    private mutating func restore(_ id: ComponentID, _ props: JSON) {
        let kept =
            switch props["storage_type"] {
            case "local": browser.storage[id.text]
            case "session": storage[id.text]
            default: JSON?.none
            }
        if let kept, kept != props["data"] {
            set(id, [("data", kept), ("modified_timestamp", now.timestamp)])
        } else if kept == nil, !props["data"].isNull {
            keep(id, props["data"], props["storage_type"])
            set(id, [("modified_timestamp", now.timestamp)])
        }
    }

    private mutating func keep(_ id: ComponentID, _ properties: [String], _ props: JSON) {
        if properties.contains("clear_data"), props["clear_data"] == true {
            keep(id, .null, props["storage_type"])
            set(id, [("clear_data", false), ("data", .null), ("modified_timestamp", now.timestamp)])
        } else if properties.contains("data"), !properties.contains("modified_timestamp") {
            keep(id, props["data"], props["storage_type"])
            set(id, [("modified_timestamp", now.timestamp)])
        }
    }

    private mutating func keep(_ id: ComponentID, _ data: JSON, _ storageType: JSON) {
        let kept = data.isNull ? nil : data
        if storageType == "local" { browser.storage[id.text] = kept }
        if storageType == "session" { storage[id.text] = kept }
    }
}
