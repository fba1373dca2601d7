import Crypto
import Support

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
        value + "." + Base64.encode(Array(signature(of: value, purpose, bindings)), .urlSafe)
    }

    /// The value of a token, or nil when the token is malformed, forged or bound to something else.
    ///
    /// The comparison takes the same time for every wrong signature.
    func verify(_ token: String, purpose: String, boundTo bindings: [String] = []) -> String? {
        guard token.utf8.count <= 512, !token.utf8.contains(0),
            let dot = token.utf8.lastIndex(of: UInt8(ascii: "."))
        else { return nil }
        let (value, text) = (String(token[..<dot]), String(token[token.utf8.index(after: dot)...]))
        // Of several texts for the same bytes one is right: a token has one form.
        guard let signature = Base64.decode(text), Base64.encode(signature, .urlSafe) == text else { return nil }
        let signed = message(of: value, purpose, bindings)
        return HMAC<SHA256>.isValidAuthenticationCode(signature, authenticating: signed, using: key) ? value : nil
    }

    /// A short, stable name derived from the secret, which tells nothing of it.
    func derivedName(_ purpose: String, hexDigits: Int) -> String {
        String(Hexadecimal.text(signature(of: "", purpose, [])).prefix(hexDigits))
    }

    private func signature(of value: String, _ purpose: String, _ bindings: [String]) -> HMAC<SHA256>.MAC {
        HMAC<SHA256>.authenticationCode(for: message(of: value, purpose, bindings), using: key)
    }

    private func message(of value: String, _ purpose: String, _ bindings: [String]) -> [UInt8] {
        Array(([purpose] + bindings + [value]).joined(separator: "\0").utf8)
    }
}
