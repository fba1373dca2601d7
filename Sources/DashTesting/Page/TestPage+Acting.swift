public import Dash
public import DashJSON
import Foundation
import Synchronization

/// What a person does to the page. Each action returns when the page has come to rest, and throws the first error of a
/// callback that came since the last action.
extension TestPage {
    /// Sets a property as the component itself does when a person uses it: what is typed, chosen, moved.
    ///
    /// A value that is the same as before runs nothing, as in the browser.
    ///
    /// - Parameters:
    ///   - property: The property.
    ///   - value: The new value.
    /// - Throws: ``TestError`` with code `unknown-component` or `pattern`, or the error of a callback.
    public func set<Value>(_ property: Prop<Value>, _ value: Value) async throws {
        let id = property.id
        _ = try component(id)
        let json = try JSON(parsing: property.encoded(value).bytes)
        try await set(id, [(property.name, json)])
    }

    /// Sets properties of one component together, by the names of the browser: callbacks see them as one change.
    ///
    /// ```swift
    /// try await page.set("upload", ["contents": "data:text/plain;base64,aGk=", "filename": "hi.txt"])
    /// ```
    ///
    /// - Parameters:
    ///   - id: The component.
    ///   - properties: The new values. A name that neither the component nor a callback knows is refused.
    /// - Throws: ``TestError`` with code `unknown-component`, `unknown-property` or `pattern`, or the error of a callback.
    public func set(_ id: ComponentID, _ properties: KeyValuePairs<String, any JSONEncodable>) async throws {
        _ = try component(id)
        for property in properties { try checkKnown(PropertyRef(id: id, property: property.key)) }
        try await set(id, properties.map { ($0.key, $0.value.json) })
    }

    /// Sets properties of one component together, by the names of the browser.
    ///
    /// - Throws: As ``set(_:_:)``.
    public func set(
        _ component: some ComponentRef,
        _ properties: KeyValuePairs<String, any JSONEncodable>
    ) async throws {
        try await set(component.componentID, properties)
    }

    private func set(_ id: ComponentID, _ properties: [(name: String, value: JSON)]) async throws {
        change { $0.set(id, properties) }
        try await rest()
    }

    /// Clicks on a component: its `n_clicks` rises. A click on a `dcc.Link` goes where it leads.
    ///
    /// - Parameter id: The component.
    /// - Throws: ``TestError`` with code `unknown-component`, `pattern` or `disabled`, or the error of a callback.
    public func click(_ id: ComponentID) async throws {
        let component = try usable(id, "click on")
        if component["namespace"] == "dash_core_components", component["type"] == "Link",
            let href = component["props"]["href"].stringValue
        {
            return try await follow(href, refreshes: component["props"]["refresh"].boolValue ?? false)
        }
        try await count(id, "n_clicks", component, [("n_clicks_timestamp", clock.now.timestamp)])
    }

    /// Clicks on a component: its `n_clicks` rises. A click on a `dcc.Link` goes where it leads.
    ///
    /// - Throws: As ``click(_:)``.
    public func click(_ component: some ComponentRef) async throws { try await click(component.componentID) }

    /// Types a text in place of what a component has as `value`: a `dcc.Input` or `dcc.Textarea`.
    ///
    /// - Parameters:
    ///   - text: The text.
    ///   - id: The component. One with `debounce` tells its callbacks by ``submit(_:)-(ComponentRef)`` or ``blur(_:)-(ComponentRef)``, as in the browser.
    /// - Throws: ``TestError`` with code `unknown-component`, `pattern` or `disabled`, or the error of a callback.
    public func type(_ text: String, into id: ComponentID) async throws {
        let component = try usable(id, "type into")
        let debounce = component["props"]["debounce"]
        guard debounce.isNull || debounce == false else {
            return state.withLock { $0.typed[id] = .string(text) }
        }
        try await set(id, [("value", .string(text))])
    }

    /// Types a text in place of what a component has as `value`.
    ///
    /// - Throws: As ``type(_:into:)``.
    public func type(_ text: String, into component: some ComponentRef) async throws {
        try await type(text, into: component.componentID)
    }

    /// Presses Enter in a component: its `n_submit` rises, and what was typed is told.
    ///
    /// - Parameter id: The component.
    /// - Throws: ``TestError`` with code `unknown-component`, `pattern` or `disabled`, or the error of a callback.
    public func submit(_ id: ComponentID) async throws {
        let component = try usable(id, "press Enter in")
        try await count(id, "n_submit", component, typed(in: id) + [("n_submit_timestamp", clock.now.timestamp)])
    }

    /// Presses Enter in a component: its `n_submit` rises, and what was typed is told.
    ///
    /// - Throws: As ``submit(_:)-(ComponentRef)``.
    public func submit(_ component: some ComponentRef) async throws { try await submit(component.componentID) }

    /// Leaves a component: its `n_blur` rises, and what was typed is told.
    ///
    /// - Parameter id: The component.
    /// - Throws: ``TestError`` with code `unknown-component`, `pattern` or `disabled`, or the error of a callback.
    public func blur(_ id: ComponentID) async throws {
        let component = try usable(id, "leave")
        try await count(id, "n_blur", component, typed(in: id) + [("n_blur_timestamp", clock.now.timestamp)])
    }

    /// Leaves a component: its `n_blur` rises, and what was typed is told.
    ///
    /// - Throws: As ``blur(_:)-(ComponentRef)``.
    public func blur(_ component: some ComponentRef) async throws { try await blur(component.componentID) }

    /// Puts a file into a `dcc.Upload`: its `contents`, `filename` and `last_modified` are set together.
    ///
    /// - Parameters:
    ///   - bytes: The content.
    ///   - filename: Its name.
    ///   - type: Its media type.
    ///   - id: The component. One with `multiple` gets lists of one file.
    /// - Throws: ``TestError`` with code `unknown-component`, `pattern` or `disabled`, or the error of a callback.
    public func upload(
        _ bytes: [UInt8],
        filename: String,
        type: String = "application/octet-stream",
        to id: ComponentID
    ) async throws {
        let component = try usable(id, "put a file into")
        let list = { (value: JSON) in component["props"]["multiple"] == true ? JSON.array([value]) : value }
        try await set(
            id,
            [
                ("contents", list(.string(Upload.contents(bytes, type: type)))), ("filename", list(.string(filename))),
                ("last_modified", list(.double(Double(clock.now.timestamp.intValue ?? 0) / 1000))),
            ]
        )
    }

    /// Puts a file into a `dcc.Upload`.
    ///
    /// - Throws: As ``upload(_:filename:type:to:)-(_,_,_,ComponentID)``.
    public func upload(
        _ bytes: [UInt8],
        filename: String,
        type: String = "application/octet-stream",
        to component: some ComponentRef
    ) async throws {
        try await upload(bytes, filename: filename, type: type, to: component.componentID)
    }
}

extension TestPage {
    /// A component that a person can use now.
    private func usable(_ id: ComponentID, _ what: String) throws -> JSON {
        let component = try component(id)
        let disabled = component["props"]["disabled"]
        guard disabled.isNull || disabled == false || disabled == "" else {
            throw TestError(
                .disabled,
                "\(id.text) is disabled, so nobody could \(what) it. It becomes usable when a callback says so."
            )
        }
        return component
    }

    private func count(
        _ id: ComponentID,
        _ property: String,
        _ component: JSON,
        _ more: [(name: String, value: JSON)]
    ) async throws {
        let count = (component["props"][property].intValue ?? 0) + 1
        try await set(id, [(property, .int(count))] + more)
    }

    private func typed(in id: ComponentID) -> [(name: String, value: JSON)] {
        state.withLock { $0.typed.removeValue(forKey: id) }.map { [("value", $0)] } ?? []
    }
}

/// Where the browser is.
extension TestPage {
    /// The address that the browser shows.
    public var location: PageAddress { state.withLock { $0.location } }

    /// Goes to another address of the site, as by the address bar: the page is loaded anew.
    ///
    /// - Parameter path: The path with query and fragment; a relative one, without its first slash, is below the app's own.
    /// - Throws: ``TestError`` with code `load` where there is no page, or the error of a callback.
    public func open(_ path: String) async throws {
        try await load(PageAddress(absolute(path)))
        try await rest()
    }

    /// Loads the page anew at the address where it is. Jobs of the old one go on unseen.
    ///
    /// - Throws: ``TestError`` with code `load`, or the error of a callback.
    public func reload() async throws {
        try await load(location)
        try await rest()
    }

    /// Goes to another address without loading a page, as a `dcc.Link` does: every `dcc.Location` follows.
    ///
    /// - Parameter path: The path with query and fragment; a relative one, without its first slash, is below the app's own.
    /// - Throws: The error of a callback.
    public func navigate(to path: String) async throws {
        try await follow(absolute(path), refreshes: false)
    }

    func follow(_ address: String, refreshes: Bool) async throws {
        let target = PageAddress(
            address.hasPrefix("#") || address.hasPrefix("?") ? location.pathname + address : address
        )
        if refreshes { return try await open(target.description) }
        move(to: target)
        try await rest()
    }

    private func absolute(_ path: String) -> String {
        path.hasPrefix("/") || path.contains("://") ? path : appPath + path
    }

    private func move(to target: PageAddress) {
        let locations = state.withLock { state in
            state.location = target
            return state.mounted.filter { $0.value.kind == .location }.keys.sorted { $0.text < $1.text }
        }
        change { renderer in
            for id in locations { renderer.set(id, target.properties) }
        }
    }
}

/// Other pages of the same site.
extension TestPage {
    /// Opens the app in another tab of the same browser: the same cookies, another page.
    ///
    /// - Parameter path: The path below the app's own.
    /// - Throws: ``TestError`` with code `load`, or the error of a callback.
    public func newTab(_ path: String = "") async throws -> TestPage {
        try await open(in: browser, path)
    }

    /// Opens the app in the browser of somebody else.
    ///
    /// - Parameters:
    ///   - path: The path below the app's own.
    ///   - cookies: The cookies that this browser has.
    ///   - headers: Headers that each of its requests has.
    /// - Throws: ``TestError`` with code `load`, or the error of a callback.
    public func newBrowser(
        _ path: String = "",
        cookies: [String: String] = [:],
        headers: [String: String] = [:]
    ) async throws -> TestPage {
        try await open(in: TestBrowser(cookies: cookies, headers: headers), path)
    }

    private func open(in browser: TestBrowser, _ path: String) async throws -> TestPage {
        let location = PageAddress(absolute(path))
        let page = TestPage(server, browser: browser, appPath: appPath, location: location)
        try await page.load(location)
        try await page.rest()
        return page
    }

    /// The cookies of the page's browser, by name. Those that are set go with the next request.
    public var cookies: [String: String] {
        get { browser.cookies }
        set { browser.cookies = newValue }
    }
}

/// Files as a browser gives them to a `dcc.Upload`.
enum Upload {
    /// The text of `contents`.
    static func contents(_ bytes: [UInt8], type: String) -> String {
        "data:\(type);base64,\(Data(bytes).base64EncodedString())"
    }
}
