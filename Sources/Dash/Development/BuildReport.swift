package import DashJSON
import Foundation
import Jobs
import Support

/// What `dash-swift dev` tells the app that it keeps running, for its pages: how the build of the changed sources goes.
///
/// It is a file, which the app looks at when it looks at the assets. No file is a build that went well.
package struct BuildReport: Sendable, Hashable {
    /// How the build goes.
    package enum State: String, Sendable, Hashable {
        case building
        case failed
    }

    /// The variable of the environment that names the file.
    package static let variable = "DASH_SWIFT_BUILD_REPORT"
    /// The most bytes of compiler messages that a page is sent.
    package static let longestOutput = 64 * 1024

    /// How the build goes.
    package var state: State
    /// What the compiler said.
    package var output: String

    package init(_ state: State, output: String = "") {
        self.state = state
        self.output = String(output.prefix(Self.longestOutput))
    }

    /// The report of a file; nil if there is none, or if it is no report.
    package init?(file: String) {
        guard let data = FileManager.default.contents(atPath: file), let json = try? JSON(parsing: Array(data)),
            let state = json["state"].stringValue.flatMap(State.init)
        else { return nil }
        self.init(state, output: json["output"].stringValue ?? "")
    }

    /// The report as JSON, for the file and for pages.
    package var json: JSON { ["state": .string(state.rawValue), "output": .string(output)] }

    /// Puts the report, or none, where the app looks for it; all of it or nothing.
    package static func write(_ report: BuildReport?, to file: String) throws {
        guard let report else {
            if FileManager.default.fileExists(atPath: file) { try FileManager.default.removeItem(atPath: file) }
            return
        }
        try Data(report.json.serialized()).write(to: URL(fileURLWithPath: file), options: .atomic)
    }
}

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

/// The part of a backtrace that is about the program itself.
enum PrunedTrace {
    /// Where the sources of this package lie, for frames of our own; the compiler puts the same paths into both.
    private static let ownSources: String = {
        let file = "\(#filePath)"
        return file.firstRange(of: "/Dash/Development/").map { String(file[..<$0.lowerBound]) } ?? file
    }()

    /// The reason and the frames of the program's own code, a line each; the whole text where there are none.
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
