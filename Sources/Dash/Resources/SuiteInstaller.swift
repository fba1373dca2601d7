import Foundation
import Support

/// Downloads the suites of a lock with pip and puts them into a folder, all or nothing.
///
/// Everything happens in a new folder beside the target, which takes the target's place in the end. Whatever fails, the
/// target is as it was. Two installers of one target wait for each other.
package struct SuiteInstaller: Sendable {
    /// The wheels to install.
    package var lock: SuiteLock
    /// The absolute path of the folder to install them in.
    package var target: String
    /// The Python interpreter: a name that is looked up in `PATH`, or a path.
    package var python: String
    /// The environment of the commands that are run.
    package var environment: [String: String]

    package init(
        lock: SuiteLock = .pinned,
        target: String,
        python: String = "python3",
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) {
        self.lock = lock
        self.target = target
        self.python = python
        self.environment = environment
    }

    /// Installs the suites if they are not there yet; takes seconds to minutes.
    ///
    /// It runs on a thread of its own and does not notice cancellation of the task.
    ///
    /// - Parameter progress: Is called with a line of text at each step, on another thread.
    /// - Returns: The folder, which has all wheels of the lock.
    /// - Throws: `SuiteError`; the target is as it was.
    package func install(progress: @escaping @Sendable (String) -> Void = { _ in }) async throws -> SuiteFolder {
        try await OwnThread.run { try run(progress) }
    }

    /// The whole installation, on the calling thread.
    private func run(_ progress: (String) -> Void) throws(SuiteError) -> SuiteFolder {
        let place = InstallPlace(target: target)
        let guardian = try place.lockForInstalling()
        defer { guardian.release() }
        if let folder = SuiteFolder(path: target, lock: lock) { return folder }
        try place.checkTarget()
        let work = try place.makeWorkFolder()
        defer { place.remove(work) }
        let pip = Pip(python: PythonRun(python: python, environment: environment).bypassingShims())
        progress("Downloading \(lock.wheels.map { "\($0.name) \($0.version)" }.joined(separator: ", ")) with pip …")
        try pip.install(lock, into: work, progress: progress)
        progress("Compressing …")
        try pip.prepare(work)
        try place.write(SuiteStamp(of: lock).text, to: work + "/" + SuiteStamp.fileName)
        try place.replaceTarget(with: work)
        guard let folder = SuiteFolder(path: target, lock: lock) else {
            throw SuiteError(.storage, "The suites were installed in \(target) but are not there.")
        }
        progress("Installed in \(target)")
        return folder
    }
}

/// A published wheel, pinned by its hash: where the files of a component suite come from.
public struct SuiteWheel: Sendable, Hashable {
    /// The distribution's name, for example `dash-ag-grid`.
    public var name: String
    /// The exact version.
    public var version: String
    /// The SHA-256 of the wheel file as 64 lower-case hexadecimal digits.
    public var sha256: String

    /// Pins a wheel.
    ///
    /// - Parameters:
    ///   - name: The distribution's name.
    ///   - version: The exact version.
    ///   - sha256: The wheel file's SHA-256 as 64 lower-case hexadecimal digits.
    public init(name: String, version: String, sha256: String) {
        self.name = name
        self.version = version
        self.sha256 = sha256
    }

    /// The wheel as a line of pip's requirements format, with its hash.
    var requirement: String {
        "\(name)==\(version) --hash=sha256:\(sha256)"
    }
}

/// Why the files of the component suites are not there or cannot be installed.
public struct SuiteError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure; stable, for programs.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's text.
        public let description: String

        /// No folder with the suites was found.
        public static let notInstalled = Code(description: "suites-not-installed")
        /// A folder was named or found that does not hold the suites this program needs.
        public static let wrongFolder = Code(description: "suites-wrong-folder")
        /// The lock cannot be read.
        public static let lock = Code(description: "suites-lock")
        /// There is no Python interpreter.
        public static let noPython = Code(description: "suites-no-python")
        /// The Python interpreter is too old for a suite.
        public static let oldPython = Code(description: "suites-old-python")
        /// The Python interpreter has no pip.
        public static let noPip = Code(description: "suites-no-pip")
        /// The package index cannot be reached.
        public static let network = Code(description: "suites-network")
        /// A downloaded file is not the one that was pinned.
        public static let hash = Code(description: "suites-hash")
        /// The package index has no such version, or none that can be used here.
        public static let notFound = Code(description: "suites-not-found")
        /// A folder or file cannot be written.
        public static let storage = Code(description: "suites-storage")
        /// pip or Python failed in another way.
        public static let failed = Code(description: "suites-failed")
        /// A Python package is not a component suite.
        public static let notASuite = Code(description: "suites-not-a-suite")
    }

    /// The kind of failure.
    public let code: Code
    /// A sentence that says what happened and what to do.
    public let message: String
    /// What the failed command or system call said last; empty if nothing.
    public let cause: String

    /// Makes an error of a kind, with its sentence and cause.
    public init(_ code: Code, _ message: String, cause: String = "") {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// The sentence, and the cause on the lines after it.
    public var description: String {
        cause.isEmpty ? message : "\(message)\n\(cause)"
    }
}
