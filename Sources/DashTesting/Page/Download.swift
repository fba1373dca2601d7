import Dash
import DashJSON
import Foundation

/// A file that a callback has given to the browser by a `dcc.Download`.
public struct Download: Sendable, Hashable {
    /// The name under which it is stored.
    public let filename: String
    /// The content.
    public let bytes: [UInt8]
    /// The media type, where the callback named one.
    public let type: String?

    /// The content as text.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Reads the `data` of a `dcc.Download`; nil if it is none.
    init?(_ data: JSON) {
        guard let filename = data["filename"].stringValue, let content = data["content"].stringValue else { return nil }
        self.filename = filename
        type = data["type"].stringValue
        if data["base64"].boolValue == true {
            guard let decoded = Data(base64Encoded: content) else { return nil }
            bytes = Array(decoded)
        } else {
            bytes = Array(content.utf8)
        }
    }
}
