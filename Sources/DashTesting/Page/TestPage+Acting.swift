public import Dash
public import DashJSON
import Foundation

/// User actions. Each returns when the page is idle, and throws the first error of a callback since the previous
/// action.
extension TestPage {
    /// Sets a property as the component does when a user types, chooses or moves something.
    ///
    /// An unchanged value runs no callback, as in the browser.
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

    /// Sets several properties of a component at once, by their names in the browser: callbacks receive one change.
    ///
    /// ```swift
    /// try await page.set("upload", ["contents": "data:text/plain;base64,aGk=", "filename": "hi.txt"])
    /// ```
    ///
    /// - Parameters:
    ///   - id: The component.
    ///   - properties: The new values. Throws for a name that neither the component nor a callback uses.
    /// - Throws: ``TestError`` with code `unknown-component`, `unknown-property` or `pattern`, or the error of a
    ///   callback.
    public func set(_ id: ComponentID, _ properties: KeyValuePairs<String, any JSONEncodable>) async throws {
        _ = try component(id)
        for property in properties { try checkKnown(PropertyRef(id: id, property: property.key)) }
        try await set(id, properties.map { ($0.key, $0.value.json) })
    }

    /// Sets several properties of a component at once, as ``set(_:_:)``.
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

    /// Clicks on a component: increments its `n_clicks`. A click on a `dcc.Link` goes to its target.
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

    /// Clicks on a component, as ``click(_:)``.
    public func click(_ component: some ComponentRef) async throws { try await click(component.componentID) }

    /// Replaces the `value` of a `dcc.Input` or `dcc.Textarea` with typed text.
    ///
    /// - Parameters:
    ///   - text: The text.
    ///   - id: The component. With `debounce`, callbacks receive the value on ``submit(_:)-(ComponentRef)`` or
    ///     ``blur(_:)-(ComponentRef)``, as in the browser.
    /// - Throws: ``TestError`` with code `unknown-component`, `pattern` or `disabled`, or the error of a callback.
    public func type(_ text: String, into id: ComponentID) async throws {
        let component = try usable(id, "type into")
        let debounce = component["props"]["debounce"]
        guard debounce.isNull || debounce == false else {
            return hold(text, typedInto: id)
        }
        try await set(id, [("value", .string(text))])
    }

    /// Replaces the `value` of a component with typed text, as ``type(_:into:)``.
    public func type(_ text: String, into component: some ComponentRef) async throws {
        try await type(text, into: component.componentID)
    }

    /// Presses Enter in a component: increments its `n_submit`, and sets the typed value.
    ///
    /// - Parameter id: The component.
    /// - Throws: ``TestError`` with code `unknown-component`, `pattern` or `disabled`, or the error of a callback.
    public func submit(_ id: ComponentID) async throws {
        let component = try usable(id, "press Enter in")
        try await count(id, "n_submit", component, typed(in: id) + [("n_submit_timestamp", clock.now.timestamp)])
    }

    /// Presses Enter in a component: increments its `n_submit`, and sets the typed value.
    public func submit(_ component: some ComponentRef) async throws { try await submit(component.componentID) }

    /// Moves the focus away from a component: increments its `n_blur`, and sets the typed value.
    ///
    /// - Parameter id: The component.
    /// - Throws: ``TestError`` with code `unknown-component`, `pattern` or `disabled`, or the error of a callback.
    public func blur(_ id: ComponentID) async throws {
        let component = try usable(id, "leave")
        try await count(id, "n_blur", component, typed(in: id) + [("n_blur_timestamp", clock.now.timestamp)])
    }

    /// Moves the focus away from a component: increments its `n_blur`, and sets the typed value.
    public func blur(_ component: some ComponentRef) async throws { try await blur(component.componentID) }

    /// Uploads a file with a `dcc.Upload`: sets `contents`, `filename` and `last_modified` at once.
    ///
    /// - Parameters:
    ///   - bytes: The content.
    ///   - filename: The file name.
    ///   - type: The media type.
    ///   - id: The component. With `multiple`, its properties are lists with one item.
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

    /// Uploads a file with a `dcc.Upload`, as ``upload(_:filename:type:to:)-(_,_,_,ComponentID)``.
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
    private func usable(_ id: ComponentID, _ what: String) throws -> JSON {
        let component = try component(id)
        let disabled = component["props"]["disabled"]
        guard disabled.isNull || disabled == false || disabled == "" else {
            throw TestError(
                .disabled,
                "\(id.text) is disabled, so a user cannot \(what) it. Run the callback that enables it first."
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
        takeTyped(in: id).map { [("value", $0)] } ?? []
    }
}

/// The browser's address.
extension TestPage {
    /// Opens another address of the site, as with the address bar, and loads its page.
    ///
    /// - Parameter path: The path with query and fragment; without a leading slash it is relative to the app.
    /// - Throws: ``TestError`` with code `load` if there is no page, or the error of a callback.
    public func open(_ path: String) async throws {
        try await load(PageAddress(absolute(path)))
        try await rest()
    }

    /// Reloads the page. Jobs of the previous load continue without updating the page.
    ///
    /// - Throws: ``TestError`` with code `load`, or the error of a callback.
    public func reload() async throws {
        try await load(location)
        try await rest()
    }

    /// Goes to another address without loading a page, as a `dcc.Link` does, and updates every `dcc.Location`.
    ///
    /// - Parameter path: The path with query and fragment; without a leading slash it is relative to the app.
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
}

/// Files in the format of a `dcc.Upload`.
enum Upload {
    /// The value of `contents`.
    static func contents(_ bytes: [UInt8], type: String) -> String {
        "data:\(type);base64,\(Data(bytes).base64EncodedString())"
    }
}
