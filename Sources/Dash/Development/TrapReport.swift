import DashJSON
import Foundation
import Jobs
import Support

/// Why the server before this one ended, for the pages of somebody who develops: a trap in a regular callback ends the
/// process that it runs in, so only the next one can tell.
struct TrapReport: Sendable, Hashable {
    /// The variable by which the supervisor hands the report to the new server.
    static let variable = "DASH_SWIFT_TRAP"
    private static let longestTrace = 16 * 1024

    /// What tells this trap from others.
    let id: String
    let message: String
    let trace: String

    init(message: String, trace: String) {
        id = Base64.random(byteCount: 6)
        self.message = message
        self.trace = String(trace.prefix(Self.longestTrace))
    }

    /// Takes the report that the runtime wrote into a file.
    ///
    /// - Returns: nil if there is none.
    static func take(file: String, signal: Int32) -> TrapReport? {
        defer { try? FileManager.default.removeItem(atPath: file) }
        guard let data = FileManager.default.contents(atPath: file), !data.isEmpty else { return nil }
        let trace = String(decoding: data, as: UTF8.self)
        // The line that the runtime writes to the terminal before a report.
        let failure = CrashReport(end: .signalled(signal), output: "*** Signal \(signal):\n\(trace)").failure
        return TrapReport(message: failure.message, trace: trace)
    }

    /// Reads what ``text`` wrote.
    init?(text: String) {
        guard let json = try? JSON(parsing: text), let message = json["message"].stringValue else { return nil }
        self.init(message: message, trace: json["trace"].stringValue ?? "")
    }

    /// The report as it is handed on.
    var text: String { JSON.object(["message": .string(message), "trace": .string(trace)]).text }

    /// What pages are sent.
    func json(_ detail: ErrorDetail) -> JSON {
        [
            "id": .string(id), "message": .string(message),
            "trace": .string(detail == .pruned ? PrunedTrace.text(of: trace) : trace),
        ]
    }
}
