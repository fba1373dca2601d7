import Dash
import DashJSON

/// An error of a test: an invalid access to the page, or a failure of the app.
public struct TestError: Error, CustomStringConvertible {
    /// The kind of failure; a stable identifier for programs.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's text.
        public let description: String

        /// The page has no component with this id.
        public static let unknownComponent = Code(description: "unknown-component")
        /// Neither a component nor a callback uses this property.
        public static let unknownProperty = Code(description: "unknown-property")
        /// The value of a property has another type.
        public static let typeMismatch = Code(description: "type-mismatch")
        /// An id with wildcards where one component is needed, or the reverse.
        public static let pattern = Code(description: "pattern")
        /// The component is disabled, so a user cannot do this.
        public static let disabled = Code(description: "disabled")
        /// A callback failed.
        public static let callback = Code(description: "callback")
        /// The page, its layout or its callbacks could not be loaded.
        public static let load = Code(description: "load")
        /// A clientside callback has no stand-in.
        public static let clientside = Code(description: "clientside")
        /// A callback or job exceeds the test's time limit.
        public static let patience = Code(description: "patience")
        /// The condition that the test waits for cannot be met.
        public static let condition = Code(description: "condition")
    }

    /// The kind of failure.
    public let code: Code
    /// A sentence on what happened and what to do.
    public let message: String
    /// The underlying error, if any.
    public let cause: (any Error)?

    init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// The message, with the cause in parentheses.
    public var description: String { cause.map { "\(message) (\($0))" } ?? message }
}

extension TestError {
    static func wildcard(_ id: ComponentID) -> TestError {
        TestError(
            .pattern,
            """
            \(id.text) matches several components. Use one of them, as in row[3], or read all of them, as in \
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
            The page has no component with the id \(id.text). Its ids: \(ids.isEmpty ? "none" : shown). \
            If a callback adds the component, check that it has run.
            """
        )
    }

    static func mismatch<Value>(_ property: Prop<Value>, _ json: JSON, cause: any Error) -> TestError {
        let text = "\(property.id.text).\(property.name)"
        return TestError(
            .typeMismatch,
            """
            \(text) is \(json.text.prefix(200)), which is not a valid \(Value.self). Read its JSON: \
            page["\(property.id.text)", "\(property.name)"]
            """,
            cause: cause
        )
    }

    static func failed(_ callback: PageCallback, status: Int, text: String) -> TestError {
        let what = text.isEmpty ? "status \(status)" : text
        return TestError(.callback, "The callback of \(callback.title) failed (status \(status)): \(what)")
    }

    static func misplaced(
        _ ref: PropertyRef,
        _ found: [PropertyRef],
        _ role: String,
        of callback: PageCallback
    ) -> TestError {
        let what =
            found.isEmpty
            ? "its \(role) \(ref.text) is not on the page. Add a component with this id to the layout, "
                + "or set allowOptional: true for an input that may be missing"
            : "its \(role) \(ref.text) matches several components: \(found.map(\.text).joined(separator: ", ")). "
                + "Use .all for a list"
        return TestError(.callback, "The callback of \(callback.title) cannot run: \(what).")
    }

    static func impatient(_ what: String, _ patience: Duration) -> TestError {
        TestError(
            .patience,
            """
            \(what) did not end within \(patience) of real time and does not wait on the test's clock. Use \
            ctx.sleep(for:), which takes no time in a test, or increase TestOptions.patience.
            """
        )
    }
}
