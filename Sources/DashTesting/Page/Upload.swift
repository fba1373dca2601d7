import Foundation

/// Files as a browser gives them to a `dcc.Upload`.
enum Upload {
    /// The text of `contents`.
    static func contents(_ bytes: [UInt8], type: String) -> String {
        "data:\(type);base64,\(Data(bytes).base64EncodedString())"
    }
}
