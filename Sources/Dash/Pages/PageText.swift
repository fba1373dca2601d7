/// The title or the description of a page: a text, or one that is made for each visit.
///
/// ```swift
/// app.page("/", title: "Sales", layout: html.H1("All regions"))
/// app.page("/regions/<region>", title: .by { "Sales of \($0["region"] ?? "a region")" }) { visit in
///     html.H1(visit["region"] ?? "")
/// }
/// ```
public struct PageText: Sendable, ExpressibleByStringInterpolation {
    private let make: @Sendable (PageVisit) -> String

    private init(make: @escaping @Sendable (PageVisit) -> String) { self.make = make }

    /// A text.
    public init(stringLiteral value: String) { self.init(value) }

    /// A text.
    public init(_ text: String) { make = { _ in text } }

    /// A text that depends on the visit.
    ///
    /// - Parameter make: Makes the text. It is also asked for the meta tags of a page that is loaded anew, and for
    ///   ``DashPage/title`` without variables.
    public static func by(_ make: @escaping @Sendable (_ visit: PageVisit) -> String) -> PageText {
        PageText(make: make)
    }

    /// The text for a visit.
    func text(for visit: PageVisit) -> String { make(visit) }
}
