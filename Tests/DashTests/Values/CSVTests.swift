import DashJSON
import Testing

@testable import Dash

@Suite("Comma-separated values")
struct CSVTests {
    @Test(
        "CSV text is parsed",
        arguments: [
            ("a,b\n1,2\n", [["1", "2"]]), ("a,b\r\n1,2", [["1", "2"]]), ("\u{FEFF}a,b\n\n1,2\n\n", [["1", "2"]]),
            ("a,b\n\"x, y\",\"he said \"\"no\"\"\"\n", [["x, y", "he said \"no\""]]),
            ("a,b\n\"two\r\nlines\",ü🚀\n", [["two\r\nlines", "ü🚀"]]), ("a,b\n1\n,2\n", [["1", ""], ["", "2"]]),
            ("a,b\n1,\n\"\",x", [["1", ""], ["", "x"]]), ("a,b\n", []), ("a,b\n5\" disk,x\n", [["5\" disk", "x"]]),
        ]
    )
    func parsing(text: String, cells: [[String]]) throws {
        let table = try CSVTable(parsing: text)
        #expect(table.columns == ["a", "b"])
        #expect(table.cells == cells)
        #expect(try CSVTable(parsing: table.text) == table)
    }

    @Test(
        "Invalid CSV is rejected with the line number",
        arguments: [
            ("", "empty"), ("\n\r\n", "empty"), ("a\n1,2\n", "Line 2 has 2 cells, but the table has 1 column."),
            ("a\n1\n\"x\n", "starts in line 3 is not closed"), ("a\n\"x\ny\"z\n", "line 2 continues"),
        ]
    )
    func refused(text: String, sentence: String) {
        let error = #expect(throws: DashError.self) { try CSVTable(parsing: text) }
        #expect(error?.code == .csv)
        #expect(error?.message.contains(sentence) == true, "\(error?.message ?? "")")
    }

    @Test("Other separators are supported")
    func separators() throws {
        #expect(try CSVTable(parsing: "a;b\n1,5;2\n", separator: ";").cells == [["1,5", "2"]])
        #expect(try CSVTable(parsing: "a\tb\n1\t2\n", separator: "\t").cells == [["1", "2"]])
    }

    @Test("Rows contain numbers, null for empty cells, and strings")
    func rows() throws {
        let table = try CSVTable(parsing: "n,t\n-1.5e3,007\n,1st\ntrue,2\n")
        #expect(table.rows == [["n": -1500, "t": "007"], ["n": nil, "t": "1st"], ["n": "true", "t": 2]])
        #expect(table["n"] == [-1500, nil, "true"])
        #expect(table["other"].isEmpty)
        #expect(try CSVTable(json: JSON(parsing: table.jsonBytes())) == table)
    }
}
