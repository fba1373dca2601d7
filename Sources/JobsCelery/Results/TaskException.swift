import DashJSON

/// An exception as a result holds it: a Python program that asks for the result has it raised.
///
/// Where Python has a class of this module and name, that one is raised; else one is made of the name.
struct TaskException: Error, Sendable, Hashable {
    /// The class' name, with dots if it is nested.
    var type: String
    /// What the exception was made of: usually one text.
    var arguments: [JSON]
    /// The Python module of the class; nil where it is not known.
    var module: String?

    init(type: String, arguments: [JSON], module: String?) {
        self.type = type
        self.arguments = arguments
        self.module = module
    }

    /// As Python shows it: `ValueError('bad', 42)`.
    var repr: String {
        let name = type.split(separator: ".").last.map(String.init) ?? type
        return "\(name)(\(arguments.map { PythonRepr.of($0) }.joined(separator: ", ")))"
    }

    /// What it says, for people.
    var message: String {
        arguments.count == 1 ? arguments[0].stringValue ?? arguments[0].text : JSON.array(arguments).text
    }
}

extension TaskException: JSONConvertible {
    /// Reads an exception of a result, tolerantly: programs of others write a text alone, or leave parts out.
    init(json: JSON) {
        let message = json["exc_message"]
        switch message {
        case .array(let list): arguments = list
        case .null: arguments = []
        default: arguments = [message]
        }
        type = json["exc_type"].stringValue ?? "Exception"
        module = json["exc_module"].stringValue
        if json.objectValue == nil { arguments = json.isNull ? [] : [json] }
    }

    var json: JSON {
        ["exc_type": .string(type), "exc_message": .array(arguments), "exc_module": .text(module)]
    }

    func encode(to writer: inout JSONWriter) { json.encode(to: &writer) }
}
