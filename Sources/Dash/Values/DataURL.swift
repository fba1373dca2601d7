import Foundation
import Support

/// The content of a file in the form in which browsers hand it over: `data:text/plain;base64,aGk=` (RFC 2397).
struct DataURL {
    let type: String
    let bytes: [UInt8]

    /// Takes a text apart.
    ///
    /// - Throws: ``DashError`` with code `upload` if it is none, or holds more than `maximumSize` bytes.
    init(_ text: String, maximumSize: Int) throws {
        guard text.hasPrefix("data:"), let comma = text.utf8.firstIndex(of: UInt8(ascii: ",")) else {
            // What browsers make of an empty file.
            guard text == "data:" else { throw Self.malformed("it does not begin with data:, a type and a comma") }
            (type, bytes) = ("", [])
            return
        }
        let head = text.dropFirst(5)[..<comma]
        let isBase64 = head.lowercased().hasSuffix(";base64")
        type = String(isBase64 ? head.dropLast(7) : head)
        let content = text[text.utf8.index(after: comma)...]
        // Before decoding: four characters are three bytes, less the padding.
        let size = isBase64 ? content.utf8.count / 4 * 3 - content.suffix(2).count { $0 == "=" } : content.utf8.count
        guard size <= maximumSize else { throw Self.tooLarge(size, maximumSize) }
        bytes = isBase64 ? try Self.base64(content) : try Self.percentEncoded(content)
    }

    private static func base64(_ content: Substring) throws -> [UInt8] {
        let isPaddedWithin = content.utf8.reversed().drop { $0 == UInt8(ascii: "=") }.contains(UInt8(ascii: "="))
        guard !isPaddedWithin, let data = Data(base64Encoded: String(content)) else {
            throw malformed("what follows the comma is no base64")
        }
        return Array(data)
    }

    private static func percentEncoded(_ content: Substring) throws -> [UInt8] {
        guard let bytes = PercentEncoding.bytes(of: content) else {
            throw malformed("a % in it is not followed by two hexadecimal digits")
        }
        return bytes
    }

    private static func malformed(_ why: String) -> DashError {
        DashError(.upload, "The content of an uploaded file is no data URL: \(why).")
    }

    private static func tooLarge(_ size: Int, _ maximum: Int) -> DashError {
        DashError(
            .upload,
            "An uploaded file has \(size) bytes, more than the \(maximum) that this callback takes (maximumSize:)."
        )
    }
}

extension DashError.Code {
    /// An uploaded file that cannot be read, or is larger than allowed.
    public static let upload = Self(description: "upload")
}
