public import DashJSON
import Foundation

extension dcc {
    /// A text for the browser to save, as the `data` of a ``Download``.
    ///
    /// - Parameters:
    ///   - text: The file's content; it is saved in UTF-8.
    ///   - filename: The name the browser suggests.
    ///   - type: The media type, such as `text/csv`; nil leaves it to the browser.
    public static func sendString(_ text: String, _ filename: String, type: String? = nil) -> FileDownload {
        FileDownload(text: text, filename: filename, type: type)
    }

    /// Bytes for the browser to save, as the `data` of a ``Download``.
    ///
    /// - Parameters:
    ///   - bytes: The file's content.
    ///   - filename: The name the browser suggests.
    ///   - type: The media type, such as `image/png`; nil leaves it to the browser.
    public static func sendBytes(
        _ bytes: some Sequence<UInt8>,
        _ filename: String,
        type: String? = nil
    ) -> FileDownload {
        FileDownload(bytes: bytes, filename: filename, type: type)
    }

    /// A file of the server's for the browser to save, as the `data` of a ``Download``.
    ///
    /// The whole file is read, and travels in base64 within the answer: for files of some megabytes at most. Never take
    /// the path from what a visitor typed.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - filename: The name the browser suggests; by default the file's own.
    ///   - type: The media type, such as `image/png`; nil leaves it to the browser.
    /// - Throws: ``DashError`` with code `file` if it cannot be read.
    public static func sendFile(_ path: String, filename: String? = nil, type: String? = nil) throws -> FileDownload {
        let url = URL(fileURLWithPath: path)
        let bytes: Data
        do {
            bytes = try Data(contentsOf: url)
        } catch {
            throw DashError(.file, "The file \(path) cannot be sent: it could not be read.", cause: error)
        }
        return FileDownload(bytes: bytes, filename: filename ?? url.lastPathComponent, type: type)
    }

    /// Rows for the browser to save as CSV, as the `data` of a ``Download``: the `data` of a table or the `rowData` of a
    /// grid.
    ///
    /// - Parameters:
    ///   - rows: Objects, one for each row; what a row does not have stays empty.
    ///   - filename: The name the browser suggests.
    ///   - columns: Which members, in what order; by default all, in the order in which they first occur.
    public static func sendRows(_ rows: [JSON], _ filename: String, columns: [String]? = nil) -> FileDownload {
        FileDownload(text: CSVTable(rows: rows, columns: columns).text, filename: filename, type: "text/csv")
    }
}

extension DashError.Code {
    /// A file that cannot be read.
    public static let file = Self(description: "file")
}
