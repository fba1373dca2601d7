import Foundation
import Support

/// Downloads the suites of a lock with pip and installs them in a folder, atomically.
///
/// Works in a new folder beside the target and replaces the target at the end, so a failure leaves the target
/// unchanged. Concurrent installers of one target wait for each other.
package struct SuiteInstaller: Sendable {
    package var lock: SuiteLock
    /// The absolute path of the target folder.
    package var target: String
    /// The Python interpreter: a name looked up in `PATH`, or a path.
    package var python: String
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

    /// Installs the suites if they are missing; takes seconds to minutes.
    ///
    /// Runs on a separate thread and ignores cancellation of the task.
    ///
    /// - Parameter progress: Called with a line of text at each step, on another thread.
    /// - Returns: The folder, which has all wheels of the lock.
    /// - Throws: `SuiteError`; the target is unchanged.
    package func install(progress: @escaping @Sendable (String) -> Void = { _ in }) async throws -> SuiteFolder {
        try await OwnThread.run { try run(progress) }
    }

    /// The installation, on the calling thread.
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
            throw SuiteError(.storage, "The suites were installed in \(target), but are missing there.")
        }
        progress("Installed in \(target)")
        return folder
    }
}

/// A published wheel with the files of a component suite, pinned by its hash.
public struct SuiteWheel: Sendable, Hashable {
    /// The distribution's name, such as `dash-ag-grid`.
    public var name: String
    /// The exact version.
    public var version: String
    /// The SHA-256 of the wheel file as 64 lower-case hexadecimal digits.
    public var sha256: String

    /// Pins a wheel; see the properties.
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

/// An error of finding or installing the files of the component suites.
public struct SuiteError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure; a stable identifier for programs.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's text.
        public let description: String

        /// No folder with the suites was found.
        public static let notInstalled = Code(description: "suites-not-installed")
        /// The folder does not contain the suites that this program needs.
        public static let wrongFolder = Code(description: "suites-wrong-folder")
        /// The lock cannot be read.
        public static let lock = Code(description: "suites-lock")
        /// No Python interpreter was found.
        public static let noPython = Code(description: "suites-no-python")
        /// The Python interpreter is too old for a suite.
        public static let oldPython = Code(description: "suites-old-python")
        /// The Python interpreter has no pip.
        public static let noPip = Code(description: "suites-no-pip")
        /// The package index cannot be reached.
        public static let network = Code(description: "suites-network")
        /// A downloaded file does not match its pinned hash.
        public static let hash = Code(description: "suites-hash")
        /// The package index does not have this version, or no compatible file of it.
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
    /// A sentence on what happened and what to do.
    public let message: String
    /// The last output of the failed command or system call; may be empty.
    public let cause: String

    /// Creates an error with a message and a cause.
    public init(_ code: Code, _ message: String, cause: String = "") {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// The message, followed by the cause on the next lines.
    public var description: String {
        cause.isEmpty ? message : "\(message)\n\(cause)"
    }
}
