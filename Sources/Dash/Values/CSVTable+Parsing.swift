extension CSVTable {
    /// Reads comma-separated values: lines end in LF or CR and LF, a cell in quotes may hold commas, line breaks and
    /// doubled quotes. A byte order mark and empty lines are skipped; missing cells at the end of a row are empty.
    ///
    /// - Parameters:
    ///   - text: The table, its first line the names of the columns.
    ///   - separator: What is between two cells, for files with semicolons or tabs.
    /// - Throws: ``DashError`` with code `csv` and the line's number if a quote is never closed or stands where none may,
    ///   if a row has more cells than there are columns, or if there is no line at all.
    public init(parsing text: String, separator: Character = ",") throws {
        var reader = CSVReader(text, separator: separator.asciiValue ?? UInt8(ascii: ","))
        guard let columns = try reader.record()?.cells else {
            throw DashError(.csv, "The table is empty: not even a line of column names.")
        }
        var cells: [[String]] = []
        while let (row, line) = try reader.record() {
            guard row.count <= columns.count else {
                throw DashError(
                    .csv,
                    "Line \(line) has \(row.count) cells, but there are \(columns.count) columns only."
                )
            }
            cells.append(row + Array(repeating: "", count: columns.count - row.count))
        }
        self.init(columns: columns, cells: cells)
    }
}

extension DashError.Code {
    /// A text that is no table of comma-separated values.
    public static let csv = Self(description: "csv")
}

/// Takes a table apart, record by record.
private struct CSVReader {
    private var rest: Substring.UTF8View
    private var line = 1
    private let separator: UInt8
    private static let quote = UInt8(ascii: "\"")

    init(_ text: String, separator: UInt8) {
        rest = (text.unicodeScalars.first == "\u{FEFF}" ? Substring(text.unicodeScalars.dropFirst()) : text[...]).utf8
        self.separator = separator
    }

    /// The next record with the number of its first line; nil at the end.
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
        throw DashError(.csv, "The quote that a cell in line \(first) begins with is never closed.")
    }

    private func checkEnd(of first: Int) throws {
        guard let next = rest.first, next != separator, next != 10, next != 13 else { return }
        throw DashError(.csv, "A cell in line \(first) goes on after its closing quote; a quote in a cell is doubled.")
    }
}
