public import DashJSON
import Foundation

/// A file for the browser to save: the `data` of a `dcc.Download`. Each new value starts a download.
///
/// ```swift
/// app.callback(Output(download.data), Input(save.nClicks), preventInitialCall: true) { _ in
///     dcc.sendString("a,b\n1,2\n", "table.csv", type: "text/csv")
/// }
/// ```
///
/// Created by `dcc.sendString`, `dcc.sendBytes`, `dcc.sendFile` and `dcc.sendRows`.
public struct FileDownload: Sendable, Hashable, JSONConvertible {
    /// The name the browser suggests, without folders.
    public var filename: String
    /// The media type, such as `text/csv`; nil leaves the choice to the browser.
    public var type: String?
    /// The text, or the bytes in base64.
    public var content: String
    /// Whether ``content`` is base64.
    public var isBase64: Bool

    /// A text file.
    ///
    /// - Parameters:
    ///   - text: The content, saved in UTF-8.
    ///   - filename: The name the browser suggests.
    ///   - type: The media type, such as `text/csv`; nil leaves the choice to the browser.
    public init(text: String, filename: String, type: String? = nil) {
        self.init(filename: filename, type: type, content: text, isBase64: false)
    }

    /// A binary file.
    ///
    /// - Parameters:
    ///   - bytes: The content.
    ///   - filename: The name the browser suggests.
    ///   - type: The media type, such as `image/png`; nil leaves the choice to the browser.
    public init(bytes: some Sequence<UInt8>, filename: String, type: String? = nil) {
        self.init(filename: filename, type: type, content: Data(bytes).base64EncodedString(), isBase64: true)
    }

    private init(filename: String, type: String?, content: String, isBase64: Bool) {
        self.filename = filename
        self.type = type
        self.content = content
        self.isBase64 = isBase64
    }

    /// Decodes a download.
    ///
    /// - Throws: ``DashError`` with code `type-mismatch` if the content or the file name is missing.
    public init(json: JSON) throws {
        guard let content = json["content"].stringValue, let filename = json["filename"].stringValue else {
            throw DashError.typeMismatch(FileDownload.self, json)
        }
        self.init(
            filename: filename,
            type: json["type"].stringValue,
            content: content,
            isBase64: json["base64"].boolValue ?? false
        )
    }

    /// Writes `{"content", "filename", "type", "base64"}`, as Dash does.
    public func encode(to writer: inout JSONWriter) {
        writer.object { members in
            members.member("content", content)
            members.member("filename", filename)
            members.member("type", type)
            members.member("base64", isBase64)
        }
    }
}

extension dcc {
    /// Text for the browser to save, as the `data` of a ``Download``. See ``FileDownload/init(text:filename:type:)``.
    public static func sendString(_ text: String, _ filename: String, type: String? = nil) -> FileDownload {
        FileDownload(text: text, filename: filename, type: type)
    }

    /// Bytes for the browser to save, as the `data` of a ``Download``. See ``FileDownload/init(bytes:filename:type:)``.
    public static func sendBytes(_ bytes: some Sequence<UInt8>, _ filename: String, type: String? = nil) -> FileDownload
    {
        FileDownload(bytes: bytes, filename: filename, type: type)
    }

    /// A file on the server for the browser to save, as the `data` of a ``Download``.
    ///
    /// The whole file is read and sent in base64 in the response, so use it for files of a few megabytes at most. Never
    /// derive the path from a visitor's input.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - filename: The name the browser suggests; by default the file's own.
    ///   - type: The media type, such as `image/png`; nil leaves the choice to the browser.
    /// - Throws: ``DashError`` with code `file` if it cannot be read.
    public static func sendFile(_ path: String, filename: String? = nil, type: String? = nil) throws -> FileDownload {
        let url = URL(fileURLWithPath: path)
        let bytes: Data
        do {
            bytes = try Data(contentsOf: url)
        } catch {
            throw DashError(.file, "The file \(path) cannot be read.", cause: error)
        }
        return FileDownload(bytes: bytes, filename: filename ?? url.lastPathComponent, type: type)
    }

    /// Rows for the browser to save as CSV, as the `data` of a ``Download``: the `data` of a table or the `rowData` of
    /// a grid.
    ///
    /// - Parameters:
    ///   - rows: Objects, one per row; missing members are empty cells.
    ///   - filename: The name the browser suggests.
    ///   - columns: The members to include, in order; by default all, in order of first occurrence.
    public static func sendRows(_ rows: [JSON], _ filename: String, columns: [String]? = nil) -> FileDownload {
        FileDownload(text: CSVTable(rows: rows, columns: columns).text, filename: filename, type: "text/csv")
    }
}
