public import Dash
public import DashJSON
import Foundation
import Synchronization
public import Testing

/// What the page shows.
extension TestPage {
    /// The value of a property; nil if it is not set.
    ///
    /// An id that the page does not have, and a value of another type, are recorded as issues of the test, with what to do
    /// about them; ``value(of:)`` throws them.
    public subscript<Value>(
        property: Prop<Value>,
        sourceLocation: Testing.SourceLocation = #_sourceLocation
    ) -> Value? {
        reading(sourceLocation) { try decoded(property) }
    }

    /// The value of a property that may be null; nil if it is null or not set.
    public subscript<Value>(
        property: Prop<Value?>,
        sourceLocation: Testing.SourceLocation = #_sourceLocation
    ) -> Value? {
        reading(sourceLocation) { try decoded(property) ?? nil }
    }

    /// What a property holds that holds components, such as `children`: a text, a number, a component or a list of these as
    /// JSON; nil if it is not set.
    public subscript(
        property: Prop<any Renderable>,
        sourceLocation: Testing.SourceLocation = #_sourceLocation
    ) -> JSON? {
        reading(sourceLocation) { try read(property) }
    }

    /// What a property holds that holds components, of each of a list of components: `page[result.all.children]`.
    public subscript(
        property: Prop<[any Renderable]>,
        sourceLocation: Testing.SourceLocation = #_sourceLocation
    ) -> [JSON]? {
        reading(sourceLocation) { try read(property)?.arrayValue }
    }

    /// The value of a property by the names of the browser; nil if it is not set. A property that neither the component nor
    /// a callback knows is recorded as an issue of the test.
    public subscript(
        id: ComponentID,
        property: String,
        sourceLocation: Testing.SourceLocation = #_sourceLocation
    ) -> JSON? {
        reading(sourceLocation) { try read(PropertyRef(id: id, property: property), isByName: true) }
    }

    /// The value of a property.
    ///
    /// - Parameter property: The property.
    /// - Throws: ``TestError`` with code `unknown-component`, `pattern`, or `type-mismatch` where it is of another type or
    ///   not set.
    public func value<Value>(of property: Prop<Value>) throws -> Value {
        guard let value = try decoded(property) else {
            throw TestError(.typeMismatch, "\(property.id.text).\(property.name) is not set.")
        }
        return value
    }

    private func reading<Value>(_ sourceLocation: Testing.SourceLocation, _ read: () throws -> Value?) -> Value? {
        do {
            return try read()
        } catch {
            Issue.record(error, sourceLocation: sourceLocation)
            return nil
        }
    }
}

// MARK: - Components

extension TestPage {
    /// Whether the page has a component.
    public func has(_ id: ComponentID) -> Bool {
        state.withLock { $0.renderer?.layout.component(id) != nil }
    }

    /// Whether the page has a component.
    public func has(_ component: some ComponentRef) -> Bool { has(component.componentID) }

    /// All properties of a component that are set, by the names of the browser.
    ///
    /// - Throws: ``TestError`` with code `unknown-component` or `pattern`.
    public func props(of id: ComponentID) throws -> JSONObject { try component(id)["props"].objectValue ?? [:] }

    /// All properties of a component that are set, by the names of the browser.
    ///
    /// - Throws: ``TestError`` with code `unknown-component` or `pattern`.
    public func props(of component: some ComponentRef) throws -> JSONObject { try props(of: component.componentID) }

    /// The text within a component, of all components in it one after the other.
    ///
    /// - Throws: ``TestError`` with code `unknown-component` or `pattern`.
    public func text(of id: ComponentID) throws -> String {
        let component = try component(id)
        return state.withLock { $0.renderer?.layout.text(in: component) ?? "" }
    }

    /// The text within a component, of all components in it one after the other.
    ///
    /// - Throws: ``TestError`` with code `unknown-component` or `pattern`.
    public func text(of component: some ComponentRef) throws -> String { try text(of: component.componentID) }

    /// The whole text of the page.
    public var text: String { state.withLock { $0.renderer.map { $0.layout.text(in: $0.layout.root) } ?? "" } }

    /// The layout as it is now.
    public var layout: JSON { state.withLock { $0.renderer?.layout.root ?? .null } }

    /// The ids of all components.
    public var ids: [ComponentID] { state.withLock { $0.renderer?.layout.ids ?? [] } }

    /// The ids of the components that a pattern stands for, in the order of the page: `page.ids(of: rows.every)`.
    public func ids(of pattern: some ComponentRef) -> [ComponentID] {
        state.withLock { state in
            state.renderer.map { $0.graph.ids(of: pattern.componentID, in: $0.layout, nil) } ?? []
        }
    }

    /// The files that callbacks have given to the browser by a `dcc.Download`, in order.
    public var downloads: [Download] { state.withLock { $0.downloads } }

    func component(_ id: ComponentID) throws -> JSON {
        if id.hasWildcard { throw TestError.wildcard(id) }
        return try state.withLock { state in
            guard let layout = state.renderer?.layout else { return .null }
            guard let component = layout.component(id) else { throw TestError.unknown(id, in: layout) }
            return component
        }
    }
}

// MARK: - Values

extension TestPage {
    private func decoded<Value>(_ property: Prop<Value>) throws -> Value? {
        guard let json = try read(property) else { return nil }
        do {
            return try property.read(json)
        } catch {
            throw TestError.mismatch(property, json, cause: error)
        }
    }

    /// The value of a property as JSON, of a list of components as a list.
    private func read<Value>(_ property: Prop<Value>) throws -> JSON? {
        guard property.isList else { return try read(PropertyRef(property), isByName: false) }
        return state.withLock { state in
            guard let renderer = state.renderer else { return nil }
            let ids = renderer.graph.ids(of: property.id, in: renderer.layout, nil)
            return .array(
                ids.map { renderer.layout.value(PropertyRef(id: $0, property: property.name)) ?? .null }
            )
        }
    }

    private func read(_ ref: PropertyRef, isByName: Bool) throws -> JSON? {
        let props = try component(ref.id)["props"].objectValue
        if let value = props?[ref.property] { return value }
        if isByName { try checkKnown(ref) }
        return nil
    }

    /// Refuses a name that nothing on the page has, which is a misspelling.
    func checkKnown(_ ref: PropertyRef) throws {
        let props = try props(of: ref.id)
        let isMentioned = state.withLock { $0.renderer?.graph.mentions(ref) ?? false }
        guard props[ref.property] == nil, !isMentioned else { return }
        throw TestError(
            .unknownProperty,
            """
            \(ref.id.text) has no property \(ref.property), and no callback names it; it has \
            \(props.map(\.key).joined(separator: ", ")). The browser's names are written like n_clicks.
            """
        )
    }
}

extension PageLayout {
    /// The text in a part of the layout.
    func text(in value: JSON) -> String {
        switch value {
        case .string(let text): text
        case .int, .double: value.text
        case .array(let items): items.map(text).joined()
        case .object where value.isComponent:
            childrenPaths(of: value).map { text(in: value["props"][$0]) }.joined()
        case .object, .bool, .null: ""
        }
    }
}

extension TestError {
    static func wildcard(_ id: ComponentID) -> TestError {
        TestError(
            .pattern,
            """
            \(id.text) stands for several components. Name one of them, as in row[3]; or read a list of all, as in \
            page[row.all.children].
            """
        )
    }

    static func unknown(_ id: ComponentID, in layout: PageLayout) -> TestError {
        let ids = layout.ids.map(\.text)
        let shown = ids.prefix(20).joined(separator: ", ") + (ids.count > 20 ? " and \(ids.count - 20) more" : "")
        return TestError(
            .unknownComponent,
            """
            The page has no component with the id \(id.text). It has: \(ids.isEmpty ? "none with an id" : shown). \
            If a callback is to put it there, look whether that callback has run.
            """
        )
    }

    fileprivate static func mismatch<Value>(_ property: Prop<Value>, _ json: JSON, cause: any Error) -> TestError {
        let text = "\(property.id.text).\(property.name)"
        return TestError(
            .typeMismatch,
            """
            \(text) is \(json.text.prefix(200)), which is no \(Value.self). Read it as it is: \
            page["\(property.id.text)", "\(property.name)"]
            """,
            cause: cause
        )
    }
}

/// A file that a callback has given to the browser by a `dcc.Download`.
public struct Download: Sendable, Hashable {
    /// The name under which it is stored.
    public let filename: String
    /// The content.
    public let bytes: [UInt8]
    /// The media type, where the callback named one.
    public let type: String?

    /// The content as text.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Reads the `data` of a `dcc.Download`; nil if it is none.
    init?(_ data: JSON) {
        guard let filename = data["filename"].stringValue, let content = data["content"].stringValue else { return nil }
        self.filename = filename
        type = data["type"].stringValue
        if data["base64"].boolValue == true {
            guard let decoded = Data(base64Encoded: content) else { return nil }
            bytes = Array(decoded)
        } else {
            bytes = Array(content.utf8)
        }
    }
}
