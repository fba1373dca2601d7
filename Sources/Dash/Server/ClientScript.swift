import Crypto
import Support

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

    /// The script that pages have besides while they follow changes.
    static let developmentBytes: [UInt8] = PackageResources.dash_swift_dev_js

    /// Its path below an app's.
    static let developmentPath = "_dash-swift/development.\(version(of: developmentBytes)).js"

    /// The tag of the script for development.
    ///
    /// - Parameters:
    ///   - prefix: That of the app's requests.
    ///   - hash: The state of the assets that the page is made of.
    ///   - trap: The trap that the page need not tell of any more.
    static func development(prefix: String, hash: String, trap: String?) -> TagAttributes {
        ["src": "\(prefix)\(developmentPath)", "data-hash": "\(hash)", "data-trap": "\(trap ?? "")"]
    }

    private static func version(of bytes: [UInt8]) -> String {
        Hexadecimal.text(SHA256.hash(data: bytes).prefix(6))
    }
}
