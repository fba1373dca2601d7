public import DashJSON
import Support

/// A table as comma-separated values (RFC 4180): a line of column names, then the rows.
///
/// ```swift
/// let table = try CSVTable(parsing: "city,people\nParis,2100000")
/// let names = table.columns, cells = table.rows
/// ```
///
/// A `dcc.Store` can contain one: `State(store.data.as(CSVTable?.self))`.
public struct CSVTable: Sendable, Hashable, JSONCodable {
    /// The names of the columns, in order.
    public var columns: [String]
    /// The cells of each row, one per column.
    public var cells: [[String]]

    /// A table of strings; see the properties.
    public init(columns: [String], cells: [[String]]) {
        self.columns = columns
        self.cells = cells
    }

    /// A table of objects; strings, numbers and booleans become cells, other values are written as JSON.
    ///
    /// - Parameters:
    ///   - rows: Objects, one per row; missing members are empty cells.
    ///   - columns: The members to include, in order; by default all, in order of first occurrence.
    public init(rows: [JSON], columns: [String]? = nil) {
        self.columns = columns ?? Self.names(in: rows)
        cells = []
        for row in rows { cells.append(self.columns.map { Self.cell(row[$0]) }) }
    }

    /// The rows as objects, for a table, a grid or a figure. A cell in JSON's number format is a number (`007` is a
    /// string); an empty cell is `null`.
    public var rows: [JSON] {
        cells.map { cells in
            .object(JSONObject(zip(columns, cells).map { ($0, Self.value($1)) }))
        }
    }

    /// The values of a column as in ``rows``; empty if there is no such column.
    public subscript(column: String) -> [JSON] {
        guard let place = columns.firstIndex(of: column) else { return [] }
        return cells.map { place < $0.count ? Self.value($0[place]) : .null }
    }

    /// The CSV text: lines end in CR LF; a cell with a comma, a quote or a line break is quoted.
    public var text: String {
        ([columns] + cells).map { $0.map(Self.quoted).joined(separator: ",") + "\r\n" }.joined()
    }

    private static func names(in rows: [JSON]) -> [String] {
        rows.flatMap { $0.objectValue?.keys ?? [] }.unique
    }

    private static func cell(_ value: JSON) -> String { value.isNull ? "" : value.stringValue ?? value.text }

    private static func value(_ cell: String) -> JSON {
        guard let first = cell.utf8.first else { return .null }
        let mayBeNumber = first == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
        guard mayBeNumber, let number = try? JSON(parsing: cell) else { return .string(cell) }
        return number
    }

    private static func quoted(_ cell: String) -> String {
        // Compare bytes: CR LF is one character.
        let needsQuotes = cell.utf8.contains { byte in
            byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\"") || byte == 10 || byte == 13
        }
        guard needsQuotes else { return cell }
        let doubled = cell.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
        return "\"\(doubled)\""
    }
}

extension CSVTable {
    /// Reads comma-separated values: lines end in LF or CR LF; a quoted cell may contain commas, line breaks and
    /// doubled quotes. A byte order mark and empty lines are skipped; missing cells at the end of a row are empty.
    ///
    /// - Parameters:
    ///   - text: The table; the first line has the column names.
    ///   - separator: The separator of cells, such as a semicolon or a tab.
    /// - Throws: ``DashError`` with code `csv` and the line number if a quote is not closed or misplaced, if a row has
    ///   more cells than there are columns, or if there is no line.
    public init(parsing text: String, separator: Character = ",") throws {
        var reader = CSVReader(text, separator: separator.asciiValue ?? UInt8(ascii: ","))
        guard let columns = try reader.record()?.cells else {
            throw DashError(.csv, "The table is empty. Its first line must have the column names.")
        }
        var cells: [[String]] = []
        while let (row, line) = try reader.record() {
            guard row.count <= columns.count else {
                let size = columns.count == 1 ? "1 column" : "\(columns.count) columns"
                throw DashError(.csv, "Line \(line) has \(row.count) cells, but the table has \(size).")
            }
            cells.append(row + Array(repeating: "", count: columns.count - row.count))
        }
        self.init(columns: columns, cells: cells)
    }
}

/// Splits a table into records.
private struct CSVReader {
    private var rest: Substring.UTF8View
    private var line = 1
    private let separator: UInt8
    private static let quote = UInt8(ascii: "\"")

    init(_ text: String, separator: UInt8) {
        rest = (text.unicodeScalars.first == "\u{FEFF}" ? Substring(text.unicodeScalars.dropFirst()) : text[...]).utf8
        self.separator = separator
    }

    /// The next record and the number of its first line; nil at the end.
    mutating func record() throws -> (cells: [String], line: Int)? {
        while let byte = rest.first, byte == 10 || byte == 13 {
            if byte == 10 { line += 1 }
            rest.removeFirst()
        }
        guard !rest.isEmpty else { return nil }
        let first = line
        var cells = [try cell()]
        while rest.first == separator {
            rest.removeFirst()
            cells.append(try cell())
        }
        return (cells, first)
    }

    private mutating func cell() throws -> String {
        guard rest.first == Self.quote else {
            let end = rest.firstIndex { $0 == separator || $0 == 10 || $0 == 13 } ?? rest.endIndex
            defer { rest = rest[end...] }
            return String(Substring(rest[..<end]))
        }
        return try quotedCell()
    }

    private mutating func quotedCell() throws -> String {
        let first = line
        var bytes: [UInt8] = []
        rest.removeFirst()
        while let byte = rest.popFirst() {
            if byte == 10 { line += 1 }
            guard byte == Self.quote else {
                bytes.append(byte)
                continue
            }
            guard rest.first == Self.quote else {
                try checkEnd(of: first)
                return String(decoding: bytes, as: UTF8.self)
            }
            bytes.append(byte)
            rest.removeFirst()
        }
        throw DashError(.csv, "A quoted cell that starts in line \(first) is not closed.")
    }

    private func checkEnd(of first: Int) throws {
        guard let next = rest.first, next != separator, next != 10, next != 13 else { return }
        throw DashError(.csv, "A cell in line \(first) continues after its closing quote. Double the quotes in a cell.")
    }
}
