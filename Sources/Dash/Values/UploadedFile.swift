import DashJSON
import Foundation
import Support

/// A file that a visitor dropped on a `dcc.Upload` or chose there.
///
/// ```swift
/// app.callback(Output(note.children), Input(files: upload), preventInitialCall: true) { files in
///     files.map { "\($0.name): \($0.bytes.count) bytes" }.joined(separator: ", ")
/// }
/// ```
public struct UploadedFile: Sendable, Hashable {
    /// The file's name on the visitor's computer; with folders, as in `photos/a.png`, if a folder was dropped.
    ///
    /// The browser's value is not validated: do not use it as a path on the server.
    public var name: String
    /// The media type from the browser, such as `text/csv`; empty if it sends none.
    public var type: String
    /// The content.
    public var bytes: [UInt8]
    /// The modification time in seconds since 1970; nil if the browser does not send it.
    public var lastModified: Double?

    /// A file; see the properties.
    public init(name: String, type: String = "", bytes: [UInt8], lastModified: Double? = nil) {
        self.name = name
        self.type = type
        self.bytes = bytes
        self.lastModified = lastModified
    }

    /// The default size limit of a file: 20 million bytes, since a request of 32 MB holds little more in base64.
    public static let defaultMaximumSize = 20_000_000

    /// Decodes the values of an upload's properties.
    ///
    /// - Parameters:
    ///   - contents: The content as a data URL, as sent by the browser.
    ///   - name: The file's name.
    ///   - lastModified: The modification time in seconds since 1970.
    ///   - maximumSize: The largest size in bytes.
    /// - Throws: ``DashError`` with code `upload` if the content is not a valid data URL, or too large.
    public init(
        contents: String,
        name: String,
        lastModified: Double? = nil,
        maximumSize: Int = defaultMaximumSize
    ) throws {
        let url = try DataURL(contents, maximumSize: maximumSize)
        self.init(name: name, type: url.type, bytes: url.bytes, lastModified: lastModified)
    }

    /// The content as text, without a byte order mark.
    ///
    /// - Throws: ``DashError`` with code `upload` if it is not UTF-8.
    public var text: String {
        get throws {
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw DashError(.upload, "\(name) is not valid UTF-8 text.")
            }
            return text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
        }
    }
}

extension UploadedFile {
    /// The files of an upload's three properties, each a value or a list.
    static func all(contents: JSON, names: JSON, lastModified: JSON, maximumSize: Int) throws -> [UploadedFile] {
        let contents = list(contents), names = list(names), times = list(lastModified)
        guard names.isEmpty || names.count == contents.count else {
            throw DashError(.upload, "The upload has \(contents.count) contents, but \(names.count) names.")
        }
        return try contents.indices.map { index in
            guard let text = contents[index].stringValue else {
                throw DashError.typeMismatch(String.self, contents[index])
            }
            return try UploadedFile(
                contents: text,
                name: index < names.count ? names[index].stringValue ?? "" : "",
                lastModified: index < times.count ? times[index].doubleValue : nil,
                maximumSize: maximumSize
            )
        }
    }

    private static func list(_ json: JSON) -> [JSON] { json.isNull ? [] : json.arrayValue ?? [json] }
}

/// A file's content as sent by browsers: `data:text/plain;base64,aGk=` (RFC 2397).
struct DataURL {
    let type: String
    let bytes: [UInt8]

    /// Decodes a data URL.
    ///
    /// - Throws: ``DashError`` with code `upload` if it is invalid, or has more than `maximumSize` bytes.
    init(_ text: String, maximumSize: Int) throws {
        guard text.hasPrefix("data:"), let comma = text.utf8.firstIndex(of: UInt8(ascii: ",")) else {
            // Browsers send this for an empty file.
            guard text == "data:" else { throw Self.malformed("it does not start with data:, a type and a comma") }
            (type, bytes) = ("", [])
            return
        }
        let head = text.dropFirst(5)[..<comma]
        let isBase64 = head.lowercased().hasSuffix(";base64")
        type = String(isBase64 ? head.dropLast(7) : head)
        let content = text[text.utf8.index(after: comma)...]
        // Check before decoding: four characters are three bytes, less the padding.
        let size = isBase64 ? content.utf8.count / 4 * 3 - content.suffix(2).count { $0 == "=" } : content.utf8.count
        guard size <= maximumSize else { throw Self.tooLarge(size, maximumSize) }
        bytes = isBase64 ? try Self.base64(content) : try Self.percentEncoded(content)
    }

    private static func base64(_ content: Substring) throws -> [UInt8] {
        let isPaddedWithin = content.utf8.reversed().drop { $0 == UInt8(ascii: "=") }.contains(UInt8(ascii: "="))
        guard !isPaddedWithin, let data = Data(base64Encoded: String(content)) else {
            throw malformed("the part after the comma is not valid base64")
        }
        return Array(data)
    }

    private static func percentEncoded(_ content: Substring) throws -> [UInt8] {
        guard let bytes = PercentEncoding.bytes(of: content) else {
            throw malformed("a % is not followed by two hexadecimal digits")
        }
        return bytes
    }

    private static func malformed(_ why: String) -> DashError {
        DashError(.upload, "The content of an uploaded file is not a valid data URL: \(why).")
    }

    private static func tooLarge(_ size: Int, _ maximum: Int) -> DashError {
        DashError(
            .upload,
            "An uploaded file has \(size) bytes, more than the \(maximum) bytes this callback accepts (maximumSize:)."
        )
    }
}
