import Crypto

/// Our own script in the page (`Client/dash-swift.js`), served under a name that changes with its content.
enum ClientScript {
    /// The script.
    static let bytes: [UInt8] = PackageResources.dash_swift_js

    /// A few digits of the content's hash.
    static let version: String = {
        let digits = Array("0123456789abcdef")
        return String(SHA256.hash(data: bytes).prefix(6).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }()

    /// The path below an app's.
    static let path = "_dash-swift/client.\(version).js"
}
