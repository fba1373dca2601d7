/// The Swift type of a property: as a parameter of the component, and as what a callback reads or writes.
struct PropType: Sendable, Hashable {
    /// The parameter's type, without the question mark that every parameter has.
    var parameter: String
    /// The type argument of `Prop`; nil for properties that hold components.
    var reference: String?
    /// What the property holds, in words for the documentation.
    var words: String

    /// One type for both; every property may be null.
    static func plain(_ type: String, _ words: String) -> PropType {
        PropType(parameter: type, reference: type + "?", words: words)
    }

    static let text = plain("String", "text")
    static let integer = plain("Int", "a whole number")
    static let number = plain("Double", "a number")
    static let flag = plain("Bool", "true or false")
    static let style = plain("Style", "CSS properties by their camel-case names")
    static let figure = plain("Figure", "a Plotly figure")
    static let texts = plain("[String]", "a list of texts")
    static let numbers = plain("[Double]", "a list of numbers")
    static let flags = plain("[Bool]", "a list of truth values")
    static let list = plain("[JSON]", "a list of JSON values")
    static let object = PropType(parameter: "JSON", reference: "JSON", words: "a JSON object")
    static let components = PropType(parameter: "(any Renderable)", reference: nil, words: "components or text")
    /// Several types, or one that the suite does not tell.
    static let any = PropType(parameter: "(any JSONEncodable)", reference: "JSON", words: "a JSON value")

    /// Takes any value as the parameter, and reads and writes one type.
    static func anyRead(as type: PropType) -> PropType {
        PropType(parameter: PropType.any.parameter, reference: type.reference, words: type.words)
    }
}
