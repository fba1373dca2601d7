import Crypto

/// Signs the tokens that travel through the browser, and checks them when they come back.
///
/// A token has only characters that every encoder of URLs leaves alone. It is `<value>.<signature>`: HMAC-SHA256 over the purpose, the things it is bound to and the value, each of which
/// is free of NUL bytes, joined by NUL. So a token of one purpose or owner is worthless for another.
struct Signer: Sendable {
    private let key: SymmetricKey

    /// - Parameter secret: at least 16 bytes; longer is fine.
    init(secret: [UInt8]) {
        key = SymmetricKey(data: secret)
    }

    /// `value` with its signature.
    func sign(_ value: String, purpose: String, boundTo bindings: [String] = []) -> String {
        value + "." + Base64URL.encode(signature(of: value, purpose, bindings))
    }

    /// The value of a token, or nil when the token is malformed, forged or bound to something else.
    ///
    /// The comparison takes the same time for every wrong signature.
    func verify(_ token: String, purpose: String, boundTo bindings: [String] = []) -> String? {
        guard token.utf8.count <= 512, !token.utf8.contains(0),
            let dot = token.utf8.lastIndex(of: UInt8(ascii: "."))
        else { return nil }
        let value = String(token[..<dot])
        let expected = Base64URL.encode(signature(of: value, purpose, bindings))
        return Self.areEqual(expected, token[token.utf8.index(after: dot)...]) ? value : nil
    }

    /// A short, stable name derived from the secret, which tells nothing of it.
    func derivedName(_ purpose: String, hexDigits: Int) -> String {
        let bytes = signature(of: "", purpose, []).prefix((hexDigits + 1) / 2)
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }.prefix(hexDigits))
    }

    private func signature(of value: String, _ purpose: String, _ bindings: [String]) -> [UInt8] {
        let message = ([purpose] + bindings + [value]).joined(separator: "\0")
        return Array(HMAC<SHA256>.authenticationCode(for: Array(message.utf8), using: key))
    }

    private static func areEqual(_ expected: String, _ given: Substring) -> Bool {
        let expected = Array(expected.utf8)
        let given = Array(given.utf8)
        guard expected.count == given.count else { return false }
        return zip(expected, given).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
