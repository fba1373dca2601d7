public import Dash
public import DashJSON
import Foundation
public import Testing

extension TestPage {
    /// The value of a property; nil if it is not set.
    ///
    /// An unknown id, and a value of another type, are recorded as issues of the test; ``value(of:)`` throws them.
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

    /// The content of a property that contains components, such as `children`: text, a number, a component or a list of
    /// these as JSON; nil if it is not set.
    public subscript(
        property: Prop<any Renderable>,
        sourceLocation: Testing.SourceLocation = #_sourceLocation
    ) -> JSON? {
        reading(sourceLocation) { try read(property) }
    }

    /// The content of a property that contains components, for a list of components: `page[result.all.children]`.
    public subscript(
        property: Prop<[any Renderable]>,
        sourceLocation: Testing.SourceLocation = #_sourceLocation
    ) -> [JSON]? {
        reading(sourceLocation) { try read(property)?.arrayValue }
    }

    /// The value of a property by its name in the browser; nil if it is not set. A property that neither the component
    /// nor a callback uses is recorded as an issue of the test.
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
    /// - Throws: ``TestError`` with code `unknown-component`, `pattern`, or `type-mismatch` if it has another type or
    ///   is not set.
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
        read { $0.layout.component(id) != nil } ?? false
    }

    /// Whether the page has a component.
    public func has(_ component: some ComponentRef) -> Bool { has(component.componentID) }

    /// All set properties of a component, by their names in the browser.
    ///
    /// - Throws: ``TestError`` with code `unknown-component` or `pattern`.
    public func props(of id: ComponentID) throws -> JSONObject { try component(id)["props"].objectValue ?? [:] }

    /// All set properties of a component, by their names in the browser.
    public func props(of component: some ComponentRef) throws -> JSONObject { try props(of: component.componentID) }

    /// The text in a component, including all nested components.
    ///
    /// - Throws: ``TestError`` with code `unknown-component` or `pattern`.
    public func text(of id: ComponentID) throws -> String {
        let component = try component(id)
        return read { $0.layout.text(in: component) } ?? ""
    }

    /// The text in a component, including all nested components.
    public func text(of component: some ComponentRef) throws -> String { try text(of: component.componentID) }

    /// The whole text of the page.
    public var text: String { read { $0.layout.text(in: $0.layout.root) } ?? "" }

    /// The current layout.
    public var layout: JSON { read { $0.layout.root } ?? .null }

    /// The ids of all components.
    public var ids: [ComponentID] { read { $0.layout.ids } ?? [] }

    /// The ids of the components that match a pattern, in page order: `page.ids(of: rows.every)`.
    public func ids(of pattern: some ComponentRef) -> [ComponentID] {
        read { $0.graph.ids(of: pattern.componentID, in: $0.layout, nil) } ?? []
    }

    func component(_ id: ComponentID) throws -> JSON {
        if id.hasWildcard { throw TestError.wildcard(id) }
        let component = try read { renderer in
            guard let component = renderer.layout.component(id) else {
                throw TestError.unknown(id, in: renderer.layout)
            }
            return component
        }
        return component ?? .null
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

    /// The value of a property as JSON; a list for a list of components.
    private func read<Value>(_ property: Prop<Value>) throws -> JSON? {
        guard property.isList else { return try read(PropertyRef(property), isByName: false) }
        return read { renderer in
            let ids = renderer.graph.ids(of: property.id, in: renderer.layout, nil)
            return .array(ids.map { renderer.layout.value(PropertyRef(id: $0, property: property.name)) ?? .null })
        }
    }

    private func read(_ ref: PropertyRef, isByName: Bool) throws -> JSON? {
        let props = try component(ref.id)["props"].objectValue
        if let value = props?[ref.property] { return value }
        if isByName { try checkKnown(ref) }
        return nil
    }

    /// Throws for a name that neither the component nor a callback uses.
    func checkKnown(_ ref: PropertyRef) throws {
        let props = try props(of: ref.id)
        let isMentioned = read { $0.graph.mentions(ref) } ?? false
        guard props[ref.property] == nil, !isMentioned else { return }
        throw TestError(
            .unknownProperty,
            """
            \(ref.id.text) has no property \(ref.property), and no callback uses it. Its properties: \
            \(props.map(\.key).joined(separator: ", ")). Use the browser's names, such as n_clicks.
            """
        )
    }
}

/// A file that a callback has sent to the browser with a `dcc.Download`.
public struct Download: Sendable, Hashable {
    /// The file name.
    public let filename: String
    /// The content.
    public let bytes: [UInt8]
    /// The media type; nil if the callback does not set it.
    public let type: String?

    /// The content as text.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Decodes the `data` of a `dcc.Download`; nil if it is invalid.
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
