import DashJSON
import Foundation
import Testing

@testable import Dash

@Suite("Downloads")
struct DownloadTests {
    @Test("Text, bytes and type are encoded as in Dash")
    func shapes() {
        #expect(
            dcc.sendString("a,b\n1,ü\n", "table.csv", type: "text/csv").json
                == ["content": "a,b\n1,ü\n", "filename": "table.csv", "type": "text/csv", "base64": false]
        )
        #expect(
            dcc.sendBytes([0, 1, 255] as [UInt8], "raw.bin").json
                == ["content": "AAH/", "filename": "raw.bin", "type": nil, "base64": true]
        )
        #expect(dcc.sendBytes([] as [UInt8], "empty").content.isEmpty)
    }

    @Test("A download round-trips; an invalid one is rejected")
    func both() throws {
        let file = dcc.sendBytes(Array("x".utf8), "x.txt", type: "text/plain")
        #expect(try FileDownload(json: file.json) == file)
        for wrong in [.null, "text", ["content": "x"], ["filename": "x"]] as [JSON] {
            #expect(throws: DashError.self) { try FileDownload(json: wrong) }
        }
    }

    @Test("A file on the server keeps its name; the error for a missing file contains its path")
    func files() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "dash-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "photo.bin").path
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: path))
        #expect(try dcc.sendFile(path) == dcc.sendBytes([1, 2, 3] as [UInt8], "photo.bin"))
        #expect(try dcc.sendFile(path, filename: "other.bin", type: "image/png").filename == "other.bin")
        let error = #expect(throws: DashError.self) { try dcc.sendFile("\(path).gone") }
        #expect(error?.code == .file && error?.message.contains("photo.bin.gone") == true)
    }

    @Test("Rows are written as CSV with all columns in order of first occurrence, or with the given columns")
    func rows() {
        let rows: [JSON] = [
            ["a": 1, "b": "x, \"y\""], ["c": true, "a": 2.5], ["a": nil, "b": "two\nlines", "c": [1]],
        ]
        #expect(
            dcc.sendRows(rows, "rows.csv").content
                == "a,b,c\r\n1,\"x, \"\"y\"\"\",\r\n2.5,,true\r\n,\"two\nlines\",[1]\r\n"
        )
        #expect(dcc.sendRows(rows, "rows.csv", columns: ["c", "z"]).content == "c,z\r\n,\r\ntrue,\r\n[1],\r\n")
        #expect(dcc.sendRows([], "rows.csv").type == "text/csv")
    }

    @Test("A callback returns a download or nil")
    func callback() async throws {
        let app = DashApp(), download = dcc.Download.id("paragraph_id")
        app.callback(Output(download.data), Input(run.nClicks)) { clicks in
            clicks == 1 ? dcc.sendString("x", "x.txt") : nil
        }
        let answer = try await app.reply(click(1, output: "paragraph_id.data"))
        #expect(answer["response"]["paragraph_id"]["data"]["filename"] == "x.txt")
        let none = try await app.reply(click(2, output: "paragraph_id.data"))
        #expect(none["response"]["paragraph_id"].objectValue?["data"] == JSON.null)
    }
}
