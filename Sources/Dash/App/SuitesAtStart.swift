import Foundation

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Sees to it that the component suites are there before the server starts.
struct SuitesAtStart: Sendable {
    let site: DashSite
    let configuration: SiteConfiguration

    /// Installs what is missing where somebody watches (a terminal, or debug); else says which command to run.
    ///
    /// - Throws: `SuiteError`.
    func makeSure() async throws {
        for mount in site.contents.mounts { try await makeSure(of: SuiteLock(manifests: mount.app.suites)) }
    }

    private func makeSure(of lock: SuiteLock) async throws {
        do {
            _ = try SuiteFolder.locate(lock)
        } catch {
            guard error.code == .notInstalled, configuration.debug || isatty(STDERR_FILENO) == 1 else { throw error }
            let target = try SuiteFolder.defaultTarget(for: lock)
            _ = try await SuiteInstaller(lock: lock, target: target).install { line in
                FileHandle.standardError.write(Data("\(line)\n".utf8))
            }
        }
    }
}
