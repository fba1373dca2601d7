import DashJSON

/// The arguments of a request, read as Python would.
struct ControlArguments: Sendable {
    let method: String
    let values: JSONObject

    subscript(name: String) -> JSON { values[name] ?? .null }

    /// A text; a number is written as one.
    func text(_ name: String) -> String? {
        switch self[name] {
        case .string(let text): text
        case .int(let number): String(number)
        case .double(let number): JSON.double(number).text
        default: nil
        }
    }

    /// A list of texts; a single one is a list of one.
    func texts(_ name: String) -> [String] {
        self[name].orElements.compactMap(\.stringValue)
    }

    func number(_ name: String) -> Double? {
        self[name].doubleValue ?? self[name].stringValue.flatMap(Double.init)
    }

    func wholeNumber(_ name: String) -> Int? {
        self[name].intValue ?? self[name].stringValue.flatMap(Int.init)
    }

    /// What Python takes for true: Flower sends 1.
    func isTrue(_ name: String) -> Bool {
        switch self[name] {
        case .null: false
        case .bool(let value): value
        case .int(let number): number != 0
        case .double(let number): number != 0
        case .string(let text): !text.isEmpty
        case .array(let elements): !elements.isEmpty
        case .object(let object): !object.isEmpty
        }
    }

    /// Throws what Python throws for a call without the arguments that it needs.
    func require(_ names: String...) throws(PythonError) {
        let missing = names.filter { values[$0] == nil }.map { "'\($0)'" }
        guard let last = missing.last else { return }
        let count = missing.count
        let list =
            count == 1 ? last : missing.dropLast().joined(separator: ", ") + (count > 2 ? ", and " : " and ") + last
        throw .type("\(method)() missing \(count) required positional argument\(count == 1 ? "" : "s"): \(list)")
    }

    /// Throws what Python throws for a call with arguments that it does not know.
    func allowOnly(_ names: String...) throws(PythonError) {
        if let other = values.keys.first(where: { !names.contains($0) }) {
            throw .type("\(method)() got an unexpected keyword argument '\(other)'")
        }
    }
}
