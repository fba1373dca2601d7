import Foundation

/// The file that is written last into a folder of suites and says which wheels are in it.
struct SuiteStamp: Sendable, Hashable {
    static let fileName = "suites.stamp"
    /// Changes when the way a folder is laid out changes.
    private static let heading = "dash-swift suites, layout 1"

    var wheels: Set<String>

    init(of lock: SuiteLock) {
        wheels = Set(lock.wheels.map(\.requirement))
    }

    /// Reads the stamp of a folder; nil if there is none or it is of another layout.
    init?(folder: String) {
        guard let text = try? String(contentsOfFile: folder + "/" + Self.fileName, encoding: .utf8) else { return nil }
        let lines = text.split(separator: "\n").map(String.init)
        guard lines.first == Self.heading else { return nil }
        wheels = Set(lines.dropFirst())
    }

    /// Whether a folder with this stamp has every wheel of a lock; more wheels do no harm.
    func covers(_ lock: SuiteLock) -> Bool {
        wheels.isSuperset(of: lock.wheels.map(\.requirement))
    }

    var text: String {
        ([Self.heading] + wheels.sorted()).joined(separator: "\n") + "\n"
    }
}
