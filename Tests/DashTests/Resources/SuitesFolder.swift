import Foundation

@testable import Dash

/// A temporary folder of one test, removed on deinitialization.
final class SuitesFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "dash-swift-tests-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Writes a file, creates its folders, and returns its path.
    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        let url = URL(fileURLWithPath: path).appendingPathComponent(name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
        return url.path
    }

    /// The text of a file; nil if there is none.
    func text(of name: String) -> String? {
        try? String(contentsOfFile: path + "/" + name, encoding: .utf8)
    }

    /// The sorted names in a folder, including hidden ones.
    func names(in name: String = "") -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: path + "/" + name).sorted()) ?? []
    }

    /// Writes a shell script, and returns its path.
    func program(_ text: String, named name: String) throws -> String {
        let file = try write("#!/bin/sh\n" + text, to: name)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file)
        return file
    }

    /// Writes a small file and a gzip copy for each file of the manifests, and the stamp of a lock.
    func fillWithSuites(_ suites: [SuiteManifest] = [], lock: SuiteLock = .pinned) throws -> SuiteFolder {
        for manifest in SuiteManifest.core + suites {
            for file in manifest.files {
                try write("// \(file)", to: "\(manifest.package)/\(file)")
                try write("gz", to: "\(manifest.package)/\(file).gz")
            }
        }
        try write(SuiteStamp(of: lock).text, to: SuiteStamp.fileName)
        return try SuiteFolder.locate(lock, search: search(["DASH_SUITES": path]))
    }

    /// A search that finds only this folder.
    func search(_ environment: [String: String] = [:]) -> SuiteSearch {
        SuiteSearch(environment: environment, executableFolder: path + "/bin", workingFolder: path + "/work")
    }
}
