public import DashJSON

/// A table as comma-separated values (RFC 4180): a line of column names, then the rows.
///
/// ```swift
/// let table = try CSVTable(parsing: "city,people\nParis,2100000")
/// let names = table.columns, cells = table.rows
/// ```
///
/// A `dcc.Store` may hold one: `State(store.data.as(CSVTable?.self))`.
public struct CSVTable: Sendable, Hashable, JSONCodable {
    /// The names of the columns, in order.
    public var columns: [String]
    /// The cells of each row, one for each column.
    public var cells: [[String]]

    /// A table of texts.
    ///
    /// - Parameters:
    ///   - columns: The names of the columns.
    ///   - cells: The cells of each row.
    public init(columns: [String], cells: [[String]]) {
        self.columns = columns
        self.cells = cells
    }

    /// A table of objects; a cell is a text, a number or a truth value, and anything else its JSON text.
    ///
    /// - Parameters:
    ///   - rows: Objects, one for each row; what a row does not have stays empty.
    ///   - columns: Which members, in what order; by default all, in the order in which they first occur.
    public init(rows: [JSON], columns: [String]? = nil) {
        self.columns = columns ?? Self.names(in: rows)
        cells = []
        for row in rows { cells.append(self.columns.map { Self.cell(row[$0]) }) }
    }

    /// The rows as objects, for a table, a grid or a figure. A cell that is a number in JSON's form is one (`007` is a
    /// text); an empty cell is `null`.
    public var rows: [JSON] {
        cells.map { cells in
            JSON.object(JSONObject(zip(columns, cells).map { ($0, Self.value($1)) }))
        }
    }

    /// The values of a column as in ``rows``; empty if there is no such column.
    public subscript(column: String) -> [JSON] {
        guard let place = columns.firstIndex(of: column) else { return [] }
        return cells.map { place < $0.count ? Self.value($0[place]) : .null }
    }

    /// The text: lines end in CR and LF; a cell with a comma, a quote or a line break stands in quotes.
    public var text: String {
        ([columns] + cells).map { $0.map(Self.quoted).joined(separator: ",") + "\r\n" }.joined()
    }

    private static func names(in rows: [JSON]) -> [String] {
        var names: [String] = []
        var known: Set<String> = []
        for row in rows {
            for (name, _) in row.objectValue ?? [:] where known.insert(name).inserted { names.append(name) }
        }
        return names
    }

    private static func cell(_ value: JSON) -> String { value.isNull ? "" : value.stringValue ?? value.text }

    private static func value(_ cell: String) -> JSON {
        guard let first = cell.utf8.first else { return .null }
        let mayBeNumber = first == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
        guard mayBeNumber, let number = try? JSON(parsing: cell) else { return .string(cell) }
        return number
    }

    private static func quoted(_ cell: String) -> String {
        // By bytes: CR and LF together are one character.
        let needsQuotes = cell.utf8.contains { byte in
            byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\"") || byte == 10 || byte == 13
        }
        guard needsQuotes else { return cell }
        let doubled = cell.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
        return "\"\(doubled)\""
    }
}
