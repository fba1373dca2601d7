import Support

/// The parts of a server's address, `scheme://[user[:password]@][host][:port][/path][?name=value&…]`, decoded.
package struct ServerAddress: Sendable {
    /// What is wrong with an address, to follow its name: “has an invalid port”. Never contains the password.
    package struct Problem: Error {
        package let text: String
    }

    /// In lowercase.
    package let scheme: String
    /// Nil if missing or empty. A single word before the `@` is the user, as in Celery.
    package private(set) var user: String?
    package private(set) var password: String?
    /// Nil if missing or empty.
    package private(set) var host: String?
    package private(set) var port: Int?
    /// The text after the first slash.
    package let path: String?
    package private(set) var options: [(name: String, value: String)] = []

    package init(_ text: String) throws(Problem) {
        guard let mark = text.firstRange(of: "://") else { throw Problem(text: "has no scheme") }
        scheme = text[..<mark.lowerBound].lowercased()
        var rest = text[mark.upperBound...]
        let query = rest.cut(from: "?") ?? ""
        path = try Self.decoded(rest.cut(from: "/"))
        if let at = rest.lastIndex(of: "@") {
            var name = rest[..<at]
            password = try Self.decoded(name.cut(from: ":"))
            if !name.isEmpty { user = try Self.decoded(name) }
            rest = rest[rest.index(after: at)...]
        }
        try readHost(rest)
        for option in query.split(separator: "&") {
            var name = option
            let value = try Self.decoded(name.cut(from: "=")) ?? ""
            options.append((String(name), value))
        }
    }

    private mutating func readHost(_ text: Substring) throws(Problem) {
        var name = text
        var digits: Substring?
        if text.first == "[" {
            name = text.dropFirst()
            guard let rest = name.cut(from: "]") else { throw Problem(text: "has a '[' without ']'") }
            digits = rest.drop { $0 == ":" }
        } else {
            digits = name.cut(from: ":")
        }
        if !name.isEmpty { host = try Self.decoded(name) }
        guard let digits, !digits.isEmpty else { return }
        guard let number = Int(digits), 1...65_535 ~= number else {
            throw Problem(text: "has an invalid port; write '/', '@' or ':' in a password as %2F, %40 or %3A")
        }
        port = number
    }

    private static func decoded(_ text: Substring?) throws(Problem) -> String? {
        guard let text else { return nil }
        guard let bytes = PercentEncoding.bytes(of: text) else {
            throw Problem(text: "has a percent sign without two hexadecimal digits; write a percent sign as %25")
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension Substring {
    /// Removes everything from the first `mark` on; returns the text after it, or nil without a mark.
    fileprivate mutating func cut(from mark: Character) -> Substring? {
        guard let place = firstIndex(of: mark) else { return nil }
        defer { self = self[..<place] }
        return self[index(after: place)...]
    }
}
