import DashJSON

/// Maps properties to Swift types.
enum TypeRules {
    /// The type of a property; nil if Swift code cannot set it: functions, wildcards, React's own.
    static func type(of prop: PropMetadata, in component: String, namespace: String) -> PropType? {
        guard Naming.isIdentifier(prop.name), !prop.name.hasPrefix("_"), !internalNames.contains(prop.name) else {
            return nil
        }
        if let better = BetterTypes.type(of: prop.name, in: component, namespace: namespace) { return better }
        if prop.name == "children" { return .components }
        if wholeNumbers.contains(prop.name) { return .integer }
        if isStyle(prop) { return .style }
        return general(prop.type)
    }

    private static let internalNames: Set<String> = [
        "setProps", "id", "componentPath", "dashRenderType", "loading_state",
    ]

    private static let wholeNumbers: Set<String> = [
        "n_clicks", "n_clicks_timestamp", "n_intervals", "n_submit", "n_blur", "n_submit_timestamp", "n_blur_timestamp",
        "max_intervals", "submit_n_clicks", "submit_n_clicks_timestamp", "cancel_n_clicks",
        "cancel_n_clicks_timestamp", "modified_timestamp", "page_current", "page_size", "page_count",
    ]

    private static func isStyle(_ prop: PropMetadata) -> Bool {
        guard ["object", "any", ""].contains(prop.kind) else { return false }
        let name = prop.name
        return name == "style" || name.hasSuffix("_style") || name.hasSuffix("Style") || name.hasPrefix("style_")
    }

    private static func general(_ type: JSON) -> PropType? {
        switch type["name"].stringValue {
        case "string": .text
        case "number": .number
        case "bool": .flag
        case "node", "element": .components
        case "func": nil
        case "literal": literal(type)
        case "enum": enumeration(type)
        case "array": .list
        case "arrayOf": list(of: type["value"])
        case "object", "shape", "exact", "objectOf": .object
        case "union": union(type["value"].arrayValue ?? [])
        case "any" where type["raw"].stringValue?.hasPrefix("`${string}") == true: .text
        default: .any
        }
    }

    private static func literal(_ type: JSON) -> PropType {
        ["true", "false"].contains(type["value"].stringValue) ? .any : .text
    }

    /// Text if all members are quoted strings; a member without a value is TypeScript's `undefined`.
    private static func enumeration(_ type: JSON) -> PropType {
        let values = (type["value"].arrayValue ?? []).map { $0["value"] }.filter { !$0.isNull && $0 != "null" }
        let quoted = values.allSatisfy { value in
            value.stringValue.map { $0.hasPrefix("'") || $0.hasPrefix("\"") } ?? false
        }
        return quoted && !values.isEmpty ? .text : .any
    }

    private static func list(of member: JSON) -> PropType {
        switch general(member) {
        case .text: .texts
        case .number: .numbers
        case .flag: .flags
        default: .list
        }
    }

    private static func union(_ members: [JSON]) -> PropType {
        let types = Set(members.compactMap(general))
        if types.contains(.components) { return .components }
        if types.count == 1, let only = types.first { return only }
        // `true` and `'disabled'` are equivalent in HTML; a Bool is sufficient.
        let flags = members.contains { $0["name"].stringValue == "bool" }
        let onlyWords = members.allSatisfy { ["bool", "enum", "literal"].contains($0["name"].stringValue) }
        return flags && onlyWords ? .flag : .any
    }
}

/// Manually maintained types for properties with insufficient metadata.
enum BetterTypes {
    /// The type of a property in the table.
    static func type(of prop: String, in component: String, namespace: String) -> PropType? {
        table["\(namespace).\(component).\(prop)"]
    }

    private static let table: [String: PropType] = [
        // HTML attributes are text, also where the suite allows numbers.
        "dash_html_components.Progress.value": .text,
        "dash_html_components.Progress.max": .text,
        "dash_html_components.Meter.value": .text,
        "dash_html_components.Meter.min": .text,
        "dash_html_components.Meter.max": .text,
        // The value of a text field; a field of type number is read with `.as(Double?.self)`.
        "dash_core_components.Input.value": .anyRead(as: .text),
        "dash_core_components.Input.type": .text,
        "dash_core_components.Input.list": .text,
        // One option; several are read with `.as([String].self)`.
        "dash_core_components.Dropdown.value": .anyRead(as: .text),
        "dash_core_components.RadioItems.value": .anyRead(as: .text),
        "dash_core_components.Checklist.value": .anyRead(as: .texts),
        "dash_core_components.Slider.step": .number,
        "dash_core_components.Slider.value": .number,
        "dash_core_components.RangeSlider.step": .number,
        "dash_core_components.RangeSlider.value": .numbers,
        "dash_core_components.Slider.marks": .object,
        "dash_core_components.RangeSlider.marks": .object,
        "dash_core_components.Slider.tooltip": .object,
        "dash_core_components.RangeSlider.tooltip": .object,
        "dash_core_components.Graph.figure": .figure,
        "dash_core_components.Graph.clickData": .plain("GraphEvent", "what was clicked, with its points"),
        "dash_core_components.Graph.hoverData": .plain("GraphEvent", "what the pointer is over, with its points"),
        "dash_core_components.Graph.selectedData": .plain("GraphSelection", "the selected points"),
        "dash_core_components.Graph.relayoutData": .plain("RelayoutData", "changes of the layout"),
        "dash_core_components.Graph.restyleData": .plain("RestyleData", "changes of the traces"),
        "dash_core_components.Store.storage_type": .plain("StorageType", "where the data is kept"),
        "dash_core_components.Download.data": .plain("FileDownload", "a file to save"),
        // True, false or the string `callback-nav`.
        "dash_core_components.Location.refresh": .anyRead(as: .any),
        "dash_core_components.Upload.contents": .anyRead(as: .text),
        "dash_core_components.Upload.filename": .anyRead(as: .text),
        "dash_core_components.Upload.last_modified": .anyRead(as: .number),
        "dash_core_components.Clipboard.n_clicks": .integer,
        "dash_core_components.Button.type": .text,
        "dash_core_components.DatePickerSingle.date": .text,
        "dash_core_components.DatePickerRange.start_date": .text,
        "dash_core_components.DatePickerRange.end_date": .text,
        "dash_table.DataTable.selected_rows": .plain("[Int]", "a list of whole numbers"),
        "dash_table.DataTable.derived_viewport_indices": .plain("[Int]", "a list of whole numbers"),
        "dash_table.DataTable.derived_virtual_indices": .plain("[Int]", "a list of whole numbers"),
        "dash_table.DataTable.derived_viewport_selected_rows": .plain("[Int]", "a list of whole numbers"),
        "dash_table.DataTable.derived_virtual_selected_rows": .plain("[Int]", "a list of whole numbers"),
        // The selected rows; the property also accepts objects that select rows by a function or by ids.
        "dash_ag_grid.AgGrid.selectedRows": .anyRead(as: .list),
    ]
}

/// The Swift type of a property: as a parameter of the component, and as read or written by a callback.
struct PropType: Sendable, Hashable {
    /// The parameter's type, without the question mark.
    var parameter: String
    /// The type argument of `Prop`; nil for properties that contain components.
    var reference: String?
    /// The content of the property, for the documentation.
    var words: String

    /// The same type for both; every property may be null.
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
    /// Several types, or an unknown one.
    static let any = PropType(parameter: "(any JSONEncodable)", reference: "JSON", words: "a JSON value")

    /// Accepts any value as the parameter, and reads and writes one type.
    static func anyRead(as type: PropType) -> PropType {
        PropType(parameter: PropType.any.parameter, reference: type.reference, words: type.words)
    }
}

/// Converts Python's and JavaScript's names to Swift's.
enum Naming {
    /// `n_clicks` → `nClicks`; names without an underscore are unchanged.
    static func camelCase(_ name: String) -> String {
        let parts = name.split(separator: "_", omittingEmptySubsequences: true)
        guard let first = parts.first else { return name }
        return first + parts.dropFirst().map(capitalized).joined()
    }

    /// `dash_ag_grid` or `dash-ag-grid` → `DashAgGrid`.
    static func typeName(_ package: String) -> String {
        package.split { $0 == "_" || $0 == "-" || $0 == "." }.map(capitalized).joined()
    }

    /// A name as a Swift identifier: in back-ticks if it is a keyword.
    static func identifier(_ name: String) -> String {
        keywords.contains(name) ? "`\(name)`" : name
    }

    /// Whether a property can be a Swift parameter: wildcards such as `data-*` cannot.
    static func isIdentifier(_ name: String) -> Bool {
        guard let first = name.unicodeScalars.first, first == "_" || isLetter(first) else { return false }
        return name.unicodeScalars.allSatisfy { $0 == "_" || isLetter($0) || ("0"..."9").contains($0) }
    }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
    }

    private static func capitalized(_ part: Substring) -> String {
        part.prefix(1).uppercased() + part.dropFirst()
    }

    private static let keywords: Set<String> = [
        "Any", "Protocol", "Self", "Type", "as", "associatedtype", "async", "await", "break", "case", "catch", "class",
        "continue", "default", "defer", "deinit", "do", "else", "enum", "extension", "fallthrough", "false",
        "fileprivate", "for", "func", "guard", "if", "import", "in", "init", "inout", "internal", "is", "let", "nil",
        "open", "operator", "private", "protocol", "public", "repeat", "rethrows", "return", "self", "some", "static",
        "struct", "subscript", "super", "switch", "throw", "throws", "true", "try", "typealias", "var", "where",
        "while",
    ]
}
