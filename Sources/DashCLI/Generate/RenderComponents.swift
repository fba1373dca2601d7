/// Writes the typed Swift of a suite's components: text out of a model, nothing else.
enum RenderComponents {
    /// The declaration of the suite's enum and of what all its references share.
    static func suite(_ suite: SuiteModel) -> String {
        var text = """
            /// \(suite.title)
            public enum \(suite.enumName) {}

            """
        if let name = suite.refProtocol {
            text += """

                /// A reference to any component of `\(suite.enumName)`, with the properties that all of them have.
                public protocol \(name): ComponentRef {}

                extension \(name) {
                \(suite.shared.map { reference($0, indent: "    ") }.joined(separator: "\n\n"))
                }

                """
        }
        return text
    }

    /// The declarations of one component: the value that makes it and its typed reference.
    static func component(_ component: ComponentModel, of suite: SuiteModel) -> String {
        let name = component.name
        return """
            extension \(suite.enumName) {
                /// The component `\(name)`: call it to make one, `\(suite.enumName).\(name).id("…")` refers to one.
                public static let \(Naming.identifier(name)) = \(name)Component()

                /// What `\(suite.enumName).\(name)` is.
                public struct \(name)Component: Sendable {
            \(call(component, namespace: suite.namespace))

                    /// A typed reference to the component with this id.
                    public func id(_ id: String) -> \(name)Ref { \(name)Ref(ComponentID(id)) }

                    /// Refers to the component with this id, for example a pattern: `["row": 3, "kind": "stop"]`.
                    public func id(_ id: ComponentID) -> \(name)Ref { \(name)Ref(id) }

                    /// The components that share the type `type` in a dictionary id and differ in the index.
                    public func family(_ type: String) -> IDFamily<\(name)Ref> { IDFamily(type) }
                }

            \(reference(to: component, of: suite))
            }

            """
    }

    private static func call(_ component: ComponentModel, namespace: String) -> String {
        let props = component.props.filter { $0.name != "children" }
        var parameters = component.hasChildren ? ["_ children: (any Renderable)? = nil"] : []
        parameters.append("id: \(component.name)Ref? = nil")
        parameters += props.map { "\($0.swiftName): \($0.type.parameter)? = nil" }
        parameters.append("extra: [String: any JSONEncodable] = [:]")
        let sets = props.map { "builder.set(\"\($0.name)\", \(Naming.identifier($0.swiftName)))" }
        let children = component.hasChildren ? ["builder.children(children)"] : []
        return """
                    /// Makes the component. What is nil is left out; `extra` takes `data-*`, `aria-*` and other properties.
                    public func callAsFunction(
            \(lines(parameters, indent: "            ", separator: ","))
                    ) -> Element {
                        var builder = ElementBuilder("\(namespace)", "\(component.name)")
                        builder.id(id?.componentID)
            \(lines(children + sets, indent: "            ", separator: ""))
                        return builder.finish(extra)
                    }
            """
    }

    private static func reference(to component: ComponentModel, of suite: SuiteModel) -> String {
        let own = component.props.filter { !suite.shared.contains($0) }
        let props = own.map { "\n\n" + reference($0, indent: "        ") }.joined()
        return """
                /// A reference to a `\(suite.enumName).\(component.name)`, with its properties.
                public struct \(component.name)Ref: \(suite.refProtocol ?? "ComponentRef") {
                    /// The id of the component.
                    public let componentID: ComponentID

                    /// Refers to the component with this id.
                    public init(_ id: ComponentID) { componentID = id }\(props)
                }
            """
    }

    private static func reference(_ prop: PropModel, indent: String) -> String {
        let type = prop.type.reference ?? "any Renderable"
        let make = prop.type.reference == nil ? "nodeProp" : "prop"
        return """
            \(indent)/// The `\(prop.name)` property: \(prop.type.words).
            \(indent)public var \(Naming.identifier(prop.swiftName)): Prop<\(type)> { \(make)("\(prop.name)") }
            """
    }

    private static func lines(_ items: [String], indent: String, separator: String) -> String {
        items.map { indent + $0 }.joined(separator: separator + "\n")
    }
}
