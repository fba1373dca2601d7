import DashJSON
import Testing

@testable import Dash

@Suite("Uploaded files")
struct UploadTests {
    private let upload = dcc.Upload.id("upload")

    @Test(
        "Data URLs are decoded",
        arguments: [
            ("data:text/plain;base64,aGk=", "text/plain", "hi"), ("data:text/plain;base64,aGkh", "text/plain", "hi!"),
            ("data:;base64,", "", ""), ("data:", "", ""), ("data:image/png;base64,", "image/png", ""),
            ("data:text/plain;charset=utf-8;base64,w7w=", "text/plain;charset=utf-8", "ü"),
            ("data:text/plain,h%C3%BC%2c,x", "text/plain", "hü,,x"),
            ("data:TEXT/PLAIN;BASE64,aGk=", "TEXT/PLAIN", "hi"),
        ]
    )
    func decoding(url: String, type: String, text: String) throws {
        let file = try UploadedFile(contents: url, name: "a.txt", lastModified: 1.5)
        #expect(file == UploadedFile(name: "a.txt", type: type, bytes: Array(text.utf8), lastModified: 1.5))
        #expect(try file.text == text)
    }

    @Test(
        "Malformed content is rejected with a message",
        arguments: [
            ("", "does not start with data:"), ("aGk=", "does not start with data:"), ("data:text/plain", "a comma"),
            ("data:;base64,a", "base64"), ("data:;base64,aGk*", "base64"), ("data:;base64,aG=k", "base64"),
            ("data:,%2", "hexadecimal"), ("data:,%zz", "hexadecimal"),
        ]
    )
    func malformed(url: String, sentence: String) {
        let error = #expect(throws: DashError.self) { try UploadedFile(contents: url, name: "a") }
        #expect(error?.code == .upload)
        #expect(error?.message.contains(sentence) == true, "\(error?.message ?? "")")
    }

    @Test("A file over the size limit is rejected, exact to the byte", arguments: [2, 3, 4])
    func limit(size: Int) throws {
        let url = ["data:;base64,aGk=", "data:;base64,aGkh", "data:;base64,aGkhIQ=="][size - 2]
        #expect(try UploadedFile(contents: url, name: "a", maximumSize: size).bytes.count == size)
        let error = #expect(throws: DashError.self) {
            try UploadedFile(contents: url, name: "a", maximumSize: size - 1)
        }
        #expect(error?.message.contains("\(size) bytes, more than the \(size - 1)") == true)
    }

    @Test("Invalid UTF-8 throws; a byte order mark is removed")
    func text() throws {
        #expect(throws: DashError.self) { try UploadedFile(name: "a", bytes: [0xFF]).text }
        #expect(try UploadedFile(name: "a", bytes: [0xEF, 0xBB, 0xBF, 0x78]).text == "x")
    }

    /// The callback's response to values of the three properties.
    private func answer(_ contents: JSON, _ names: JSON = nil, _ times: JSON = nil) async throws -> JSON {
        let app = DashApp()
        app.callback(
            Output(paragraph.children),
            Input(files: upload, maximumSize: 10),
            onError: { failure in "\((failure.cause as? DashError)?.code.description ?? ""): \(failure.message)" },
            perform: { files in files.map { "\($0.name) \($0.bytes.count) \($0.lastModified ?? 0)" } }
        )
        let body: JSON = [
            "output": "paragraph_id.children",
            "outputs": ["id": "paragraph_id", "property": "children"],
            "inputs": [["id": "upload", "property": "contents", "value": contents]],
            "state": [
                ["id": "upload", "property": "filename", "value": names],
                ["id": "upload", "property": "last_modified", "value": times],
            ],
            "changedPropIds": ["upload.contents"],
        ]
        return try await app.reply(body)["response"]["paragraph_id"]["children"]
    }

    @Test("A callback receives one file, several files or none")
    func callback() async throws {
        #expect(try await answer("data:;base64,aGk=", "hi.txt", 1.5) == ["hi.txt 2 1.5"])
        let two: JSON = ["data:;base64,aGk=", "data:;base64,"]
        #expect(try await answer(two, ["dir/a.txt", "b.txt"], [1, nil]) == ["dir/a.txt 2 1.0", "b.txt 0 0.0"])
        #expect(try await answer(nil) == [])
    }

    @Test("A forged request calls onError with its code and does not run the callback")
    func forged() async throws {
        #expect(try await answer("x", "a").stringValue?.hasPrefix("upload: ") == true)
        #expect(try await answer("data:;base64,aGlnaGVyIHRoYW4=", "a").stringValue?.contains("maximumSize") == true)
        #expect(try await answer(["data:,x"], ["a", "b"]).stringValue?.contains("1 contents, but 2 names") == true)
        #expect(try await answer(7, "a").stringValue?.hasPrefix("type-mismatch: ") == true)
    }

    @Test("Input(files:) has one input and two states; State(files:) has three states")
    func slots() {
        #expect(Input(files: upload).slots.map(\.isState) == [false, true, true])
        let read = Input(files: upload).slots.map(\.ref.text)
        #expect(read == ["upload.contents", "upload.filename", "upload.last_modified"])
        #expect(State(files: upload).slots.map(\.isState) == [true, true, true])
        #expect(Input(files: upload, allowOptional: true).slots.map(\.isOptional) == [true, true, true])
    }
}
