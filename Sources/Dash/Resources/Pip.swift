import DashJSON
import Foundation

/// The runs of Python that an installation needs.
struct Pip {
    /// The interpreter: a name that is looked up in `PATH`, or a path.
    let python: String
    let environment: [String: String]

    /// Unpacks the wheels of a lock into a folder, each checked against its hash.
    func install(_ lock: SuiteLock, into folder: String, progress: (String) -> Void) throws(SuiteError) {
        let requirements = folder + "/requirements.txt"
        try InstallPlace(target: folder).write(lock.text, to: requirements)
        let arguments = [
            "-m", "pip", "install", "--require-hashes", "--no-deps", "--only-binary", ":all:", "--no-compile",
            "--target", folder, "-r", requirements,
        ]
        let result = try run(arguments) { line in
            if let words = Self.news(in: line) { progress(words) }
        }
        guard result.status == 0 else { throw PipFailure.error(for: result.output) }
        try? FileManager.default.removeItem(atPath: requirements)
    }

    /// Removes what is not served from a folder of wheels, and puts gzip forms beside the rest.
    func prepare(_ folder: String) throws(SuiteError) {
        let result = try run(["-c", PythonScript.prepare, folder, Self.knownFiles.text], progress: { _ in })
        guard result.status == 0 else {
            throw SuiteError(
                .failed,
                "The files of the suites cannot be prepared; is the disk full?",
                cause: PipFailure.lastLines(of: result.output)
            )
        }
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

    private func run(_ arguments: [String], progress: (String) -> Void) throws(SuiteError) -> Command.Result {
        let command = Command(
            executable: python,
            arguments: arguments,
            environment: environment.merging(Self.settings) { $1 }
        )
        guard let result = command.run(onLine: progress) else {
            throw SuiteError(
                .noPython,
                "There is no Python (\(python)). Install Python 3.9 or later with pip, on Debian and Ubuntu: "
                    + "apt install python3-pip"
            )
        }
        return result
    }

    /// As variables rather than options: a pip that is too old for one of them ignores it.
    private static let settings = [
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_COLOR": "1",
        "PIP_NO_INPUT": "1",
        "PIP_PROGRESS_BAR": "off",
        "PIP_ROOT_USER_ACTION": "ignore",
        "PIP_USER": "0",
        "PIP_REQUIRE_VIRTUALENV": "0",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    ]
}
