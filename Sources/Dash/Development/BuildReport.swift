package import DashJSON
import Foundation

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
