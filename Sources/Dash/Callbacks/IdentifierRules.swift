/// The rules for ids and properties by name (dash-protocol §14).
enum IdentifierRules {
    /// What is wrong with an id; `nil` if nothing is.
    static func sentence(for id: ComponentID) -> String? {
        switch id.form {
        case .plain(let name): sentence(forName: name)
        case .pattern(let members): sentence(for: members, of: id)
        }
    }

    private static func sentence(forName name: String) -> String? {
        if name.isEmpty { return "An id is empty: give the component a name." }
        guard let sign = name.first(where: { $0 == "." || $0 == "{" }) else { return nil }
        return "The id “\(name)” contains “\(sign)”, which the browser takes for the end of the id: leave it out."
    }

    private static func sentence(for members: [String: IDValue], of id: ComponentID) -> String? {
        if members.isEmpty { return "A pattern id has no keys: give it some, or use a name." }
        return members.keys.contains("") ? "The id \(id) has an empty key: give it a name." : nil
    }

    /// What is wrong with a property's name; `nil` if nothing is.
    static func sentence(forProperty name: String) -> String? {
        if name.isEmpty { return "A property's name is empty." }
        guard let sign = name.first(where: { $0 == "." || $0 == "@" }) else { return nil }
        return "The property “\(name)” contains “\(sign)”, which no property's name does."
    }
}
