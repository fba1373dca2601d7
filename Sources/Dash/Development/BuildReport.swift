package import DashJSON
import Foundation
import Jobs
import Support

/// The state of the build of changed sources, which `dash-swift dev` reports to the running app for its pages.
///
/// It is a file that the app reads together with the assets. No file means a successful build.
package struct BuildReport: Sendable, Hashable {
    package enum State: String, Sendable, Hashable {
        case building
        case failed
    }

    /// The environment variable with the file's path.
    package static let variable = "DASH_SWIFT_BUILD_REPORT"
    /// The most bytes of compiler output that a page receives.
    package static let longestOutput = 64 * 1024

    package var state: State
    /// The compiler's output.
    package var output: String

    package init(_ state: State, output: String = "") {
        self.state = state
        self.output = String(output.prefix(Self.longestOutput))
    }

    /// Reads a report from a file; nil if there is none or it is invalid.
    package init?(file: String) {
        guard let data = FileManager.default.contents(atPath: file), let json = try? JSON(parsing: Array(data)),
            let state = json["state"].stringValue.flatMap(State.init)
        else { return nil }
        self.init(state, output: json["output"].stringValue ?? "")
    }

    /// The report as JSON, for the file and for pages.
    package var json: JSON { ["state": .string(state.rawValue), "output": .string(output)] }

    /// Writes the report atomically; nil removes the file.
    package static func write(_ report: BuildReport?, to file: String) throws {
        guard let report else {
            if FileManager.default.fileExists(atPath: file) { try FileManager.default.removeItem(atPath: file) }
            return
        }
        try Data(report.json.serialized()).write(to: URL(fileURLWithPath: file), options: .atomic)
    }
}

/// Why the previous server process ended, for pages in development: a trap in a regular callback ends its process, so
/// only the next process can report it.
struct TrapReport: Sendable, Hashable {
    /// The environment variable by which the supervisor passes the report to the new server.
    static let variable = "DASH_SWIFT_TRAP"
    private static let longestTrace = 16 * 1024

    /// Identifies the trap.
    let id: String
    let message: String
    let trace: String

    init(message: String, trace: String) {
        id = Base64.random(byteCount: 6)
        self.message = message
        self.trace = String(trace.prefix(Self.longestTrace))
    }

    /// Reads and removes the report that the runtime wrote to a file.
    ///
    /// - Returns: nil if there is none.
    static func take(file: String, signal: Int32) -> TrapReport? {
        defer { try? FileManager.default.removeItem(atPath: file) }
        guard let data = FileManager.default.contents(atPath: file), !data.isEmpty else { return nil }
        let trace = String(decoding: data, as: UTF8.self)
        // CrashReport expects this line, which the runtime prints to the terminal before a report.
        let failure = CrashReport(end: .signalled(signal), output: "*** Signal \(signal):\n\(trace)").failure
        return TrapReport(message: failure.message, trace: trace)
    }

    /// Decodes ``text``.
    init?(text: String) {
        guard let json = try? JSON(parsing: text), let message = json["message"].stringValue else { return nil }
        self.init(message: message, trace: json["trace"].stringValue ?? "")
    }

    /// The report as passed to the new server.
    var text: String { JSON.object(["message": .string(message), "trace": .string(trace)]).text }

    /// The report as sent to pages.
    func json(_ detail: ErrorDetail) -> JSON {
        [
            "id": .string(id), "message": .string(message),
            "trace": .string(detail == .pruned ? PrunedTrace.text(of: trace) : trace),
        ]
    }
}

/// The part of a backtrace that concerns the program's own code.
enum PrunedTrace {
    /// The path of this package's sources, as the compiler writes it to frames.
    private static let ownSources: String = {
        let file = "\(#filePath)"
        return file.firstRange(of: "/Dash/Development/").map { String(file[..<$0.lowerBound]) } ?? file
    }()

    /// The reason and the frames of the program's own code, one per line; the whole text if there are none.
    static func text(of trace: String, ownSources: String = ownSources) -> String {
        let lines = trace.split(separator: "\n", omittingEmptySubsequences: false)
        let isLibrary = { (line: Substring) in line.contains(" at \(ownSources)/") || line.contains("/checkouts/") }
        let frames = lines.filter { !isLibrary($0) }.compactMap { BacktraceFrame($0) }.filter(\.isUserCode)
        guard !frames.isEmpty else { return trace }
        let reason = lines.prefix { !$0.hasPrefix("Thread ") && !$0.isEmpty }
        return (reason.map(String.init) + frames.map { "    \($0.function) at \($0.place ?? $0.image)" })
            .joined(separator: "\n")
    }
}
