import DashJSON
import Foundation

/// The runs of Python that an installation needs.
struct Pip {
    let python: PythonRun

    /// Unpacks the wheels of a lock into a folder, each checked against its hash.
    func install(_ lock: SuiteLock, into folder: String, progress: (String) -> Void) throws(SuiteError) {
        let requirements = folder + "/requirements.txt"
        try InstallPlace(target: folder).write(lock.text, to: requirements)
        let arguments = [
            "-m", "pip", "install", "--require-hashes", "--no-deps", "--only-binary", ":all:", "--no-compile",
            "--target", folder, "-r", requirements,
        ]
        try python.run(arguments) { line in
            if let words = Self.news(in: line) { progress(words) }
        }
        try? FileManager.default.removeItem(atPath: requirements)
    }

    /// Removes what is not served from a folder of wheels, and puts gzip forms beside the rest.
    func prepare(_ folder: String) throws(SuiteError) {
        try python.run(
            ["-c", PythonScript.prepare, folder, Self.knownFiles.text],
            otherwise: "The files of the suites cannot be compressed."
        )
    }

    /// What a line of pip's output says that is worth showing; nil if nothing.
    private static func news(in line: String) -> String? {
        let words = line.split(separator: " ")
        guard words.count > 1, words[0] == "Downloading" else { return nil }
        // The file's name, also where pip shows its whole address.
        let file = words[1].split(separator: "/").last ?? words[1]
        return "  " + ([file] + words[2...]).joined(separator: " ")
    }

    /// The files of Dash's own packages and Plotly's that are served; of other packages all that a browser can use.
    private static var knownFiles: JSON {
        var packages = JSONObject()
        for manifest in SuiteManifest.core {
            let files = packages[manifest.package]?.arrayValue ?? []
            packages[manifest.package] = .array(files + manifest.files.map { .string($0) })
        }
        return .object(packages)
    }
}
