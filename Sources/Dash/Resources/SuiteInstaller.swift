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
