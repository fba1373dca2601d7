import Crypto

/// Our own scripts in the page (the folder `Client`), each served under a name that changes with its content.
enum ClientScript {
    /// The script for polls, of every app.
    static let bytes: [UInt8] = PackageResources.dash_swift_js

    /// A few digits of the content's hash.
    static let version = version(of: bytes)

    /// The path below an app's.
    static let path = "_dash-swift/client.\(version).js"

    /// The script of apps with pages.
    static let pagesBytes: [UInt8] = PackageResources.pages_js

    /// Its path below an app's.
    static let pagesPath = "_dash-swift/pages.\(version(of: pagesBytes)).js"

    private static func version(of bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef")
        return String(SHA256.hash(data: bytes).prefix(6).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
