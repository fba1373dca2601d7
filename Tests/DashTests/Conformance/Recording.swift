import DashJSON
import Foundation

/// The recorded exchanges of stock Dash 4.4.1 for one app: a folder of `Tests/Fixtures/Dash`.
struct Recording: Sendable {
    let name: String
    let layout: JSON
    let dependencies: [JSON]
    let config: JSON
    let exchanges: [Exchange]

    /// A request of a browser, and stock Dash's response.
    struct Exchange: Sendable {
        /// The line in the recording, from 1.
        let line: Int
        let note: String
        let method: String
        let path: String
        let query: [(name: String, value: String)]
        let headers: [(name: String, value: String)]
        let body: JSON
        /// Seconds that passed before the request.
        let pause: Double
        let status: Int
        let answerHeaders: JSON
        let answer: JSON
    }

    /// The folder of the recordings.
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures/Dash").path

    /// The names of all recordings.
    static var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() }
    }

    init(_ name: String) throws {
        func read(_ file: String) throws -> [UInt8] {
            try Array(Data(contentsOf: URL(filePath: "\(Self.folder)/\(name)/\(file)")))
        }
        self.name = name
        layout = try JSON(parsing: read("layout.json"))
        dependencies = try JSON(parsing: read("dependencies.json")).arrayValue ?? []
        config = try JSON(parsing: read("config.json"))
        let lines = try read("exchanges.jsonl").split(separator: UInt8(ascii: "\n"))
        exchanges = try lines.enumerated().map { try Exchange(JSON(parsing: Array($1)), line: $0 + 1) }
    }
}

extension Recording.Exchange {
    fileprivate init(_ json: JSON, line: Int) {
        let (request, response) = (json["request"], json["response"])
        self.init(
            line: line,
            note: json["note"].stringValue ?? "",
            method: request["method"].stringValue ?? "",
            path: request["path"].stringValue ?? "",
            query: (request["query"].arrayValue ?? []).map { ($0[0].stringValue ?? "", $0[1].stringValue ?? "") },
            headers: (request["headers"].objectValue ?? [:]).map { ($0.key, $0.value.stringValue ?? "") },
            body: request["body"],
            pause: json["after_s"].doubleValue ?? 0,
            status: response["status"].intValue ?? 0,
            answerHeaders: response["headers"],
            answer: response["body"]
        )
    }

    /// The values of a name in the query.
    func query(_ name: String) -> [String] { query.filter { $0.name == name }.map(\.value) }

    /// Whether it is a request to run, poll or cancel a callback.
    var isCallback: Bool { method == "POST" && path.hasSuffix("/_dash-update-component") }
}
