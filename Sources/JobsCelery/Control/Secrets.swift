import DashJSON

/// Keeps secrets out of what is told about a worker.
enum Secrets {
    private static let mask = "********"
    private static let words = [
        "API", "TOKEN", "KEY", "SECRET", "PASS", "PROFANITIES_LIST", "SIGNATURE", "DATABASE", "BEAT_DBURI",
    ]

    /// Settings without their secrets: what is named like one is masked, and passwords in addresses are.
    static func masked(_ settings: JSONObject) -> JSONObject {
        JSONObject(settings.map { ($0.key, masked($0.value, of: $0.key)) })
    }

    private static func masked(_ value: JSON, of key: String) -> JSON {
        if let object = value.objectValue { return .object(masked(object)) }
        let name = key.uppercased()
        if words.contains(where: name.contains) { return .string(mask) }
        switch value {
        case .string(let text): return .string(withoutPassword(text))
        case .array(let elements): return .array(elements.map { masked($0, of: key) })
        default: return value
        }
    }

    /// An address (URL) whose password is masked; several with `;` between them are masked one by one.
    static func withoutPassword(_ address: String) -> String {
        address.split(separator: ";", omittingEmptySubsequences: false).map(maskedAddress).joined(separator: ";")
    }

    private static func maskedAddress(_ address: Substring) -> String {
        guard let scheme = address.firstRange(of: "://") else { return String(address) }
        let rest = address[scheme.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard let at = authority.lastIndex(of: "@"), let colon = authority[..<at].firstIndex(of: ":") else {
            return String(address)
        }
        return "\(address[..<colon]):\(mask)\(address[at...])"
    }
}
