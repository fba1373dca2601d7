import DashJSON
import Foundation
import Jobs

/// Runs Python for an installation.
struct Pip {
    let python: PythonRun

    /// Installs the wheels of a lock into a folder, and verifies their hashes.
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

    /// Removes files that are not served from a folder of wheels, and compresses the rest with gzip.
    func prepare(_ folder: String) throws(SuiteError) {
        try python.run(
            ["-c", PythonScript.prepare, folder, Self.knownFiles.text],
            otherwise: "The files of the suites cannot be compressed."
        )
    }

    /// The part of a line of pip's output to show; nil if none.
    private static func news(in line: String) -> String? {
        let words = line.split(separator: " ")
        guard words.count > 1, words[0] == "Downloading" else { return nil }
        // pip may show a URL instead of the file's name.
        let file = words[1].split(separator: "/").last ?? words[1]
        return "  " + ([file] + words[2...]).joined(separator: " ")
    }

    /// The served files of Dash's own packages and Plotly's; other packages serve every file that a browser can use.
    private static var knownFiles: JSON {
        var packages = JSONObject()
        for manifest in SuiteManifest.core {
            let files = packages[manifest.package]?.arrayValue ?? []
            packages[manifest.package] = .array(files + manifest.files.map { .string($0) })
        }
        return .object(packages)
    }
}

/// Determines from Python's output why it failed.
enum PipFailure {
    /// The error to throw, with the last lines of the output as its cause.
    ///
    /// - Parameters:
    ///   - output: The printed lines.
    ///   - message: The message for an unknown reason.
    static func error(for output: [String], otherwise message: String) -> SuiteError {
        let text = output.joined(separator: "\n")
        let (code, message) =
            reasons.first { reason in reason.signs.contains { text.contains($0) } }
            .map { ($0.code, $0.message) } ?? (.failed, message)
        return SuiteError(code, message, cause: lastLines(of: output))
    }

    static func lastLines(of output: [String]) -> String {
        output.filter { !$0.allSatisfy(\.isWhitespace) }.suffix(8).joined(separator: "\n")
    }

    private struct Reason {
        var code: SuiteError.Code
        var signs: [String]
        var message: String
    }

    /// Ordered: an unreachable index also reports that no version matches.
    private static let reasons = [
        Reason(
            code: .noPip,
            signs: ["No module named pip"],
            message: "Python has no pip. Install it, on Debian and Ubuntu: apt install python3-pip"
        ),
        Reason(
            code: .hash,
            signs: ["DO NOT MATCH THE HASHES"],
            message: "A downloaded wheel does not match its pinned hash, so nothing was installed. Find out why before "
                + "you use this package index again."
        ),
        Reason(
            code: .storage,
            signs: ["No space left on device", "Permission denied", "Read-only file system"],
            message: "pip cannot write the files: no space left or no permission."
        ),
        Reason(
            code: .oldPython,
            signs: ["requires a different Python", "Requires-Python"],
            message: "This Python is too old for the suites. Install Python 3.9 or later."
        ),
        Reason(
            code: .network,
            signs: [
                "Temporary failure in name resolution", "Name or service not known", "NewConnectionError",
                "Failed to establish a new connection", "Network is unreachable", "Connection refused",
                "ConnectTimeoutError", "Read timed out", "ProxyError", "SSLError", "Connection aborted",
                "Connection broken",
            ],
            message: "The package index cannot be reached. Check the network and pip's settings, then try again."
        ),
        Reason(
            code: .notFound,
            signs: ["No matching distribution found", "Could not find a version"],
            message: "The package index does not have a wheel of this name and version."
        ),
    ]
}

/// Runs the Python interpreter, with pip configured to be non-interactive and to write to the target only.
package struct PythonRun: Sendable {
    /// The interpreter: a name looked up in `PATH`, or a path.
    package var python: String
    /// The interpreter's environment.
    package var environment: [String: String]

    package init(python: String, environment: [String: String] = ProcessInfo.processInfo.environment) {
        self.python = python
        self.environment = environment
    }

    /// Runs Python, and blocks until it exits.
    ///
    /// - Parameters:
    ///   - arguments: The arguments.
    ///   - message: The error message if pip's output does not show a known reason.
    ///   - onLine: Called with each printed line.
    /// - Throws: `SuiteError` if Python is not found, or exits with a status other than 0.
    package func run(
        _ arguments: [String],
        otherwise message: String = "pip failed with this output:",
        onLine: (String) -> Void = { _ in }
    ) throws(SuiteError) {
        let command = Command(
            executable: python,
            arguments: arguments,
            environment: environment.merging(Self.settings) { $1 }
        )
        guard let result = command.run(onLine: onLine) else {
            throw SuiteError(
                .noPython,
                "Python was not found (\(python)). Install Python 3.9 or later with pip, on Debian and Ubuntu: "
                    + "apt install python3-pip"
            )
        }
        guard result.status == 0 else { throw PipFailure.error(for: result.output, otherwise: message) }
    }

    /// The same runs with the interpreter behind a shim.
    ///
    /// A version manager's `python3` may be a script with additional steps: pyenv's fails with "cannot rehash" if
    /// another pip runs at the same time, although the installation succeeded. Blocks the calling thread. If the
    /// interpreter's path cannot be determined, returns this value.
    package func bypassingShims() -> PythonRun {
        let question = Command(
            executable: python,
            arguments: ["-c", "import sys; print(sys.executable)"],
            environment: environment
        )
        guard let result = question.run(onLine: { _ in }), result.status == 0, let path = result.output.last,
            path.hasPrefix("/"), FileManager.default.isExecutableFile(atPath: path)
        else { return self }
        return PythonRun(python: path, environment: environment)
    }

    // Variables instead of options: an old pip ignores unknown ones.
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

/// Python programs, run with `python3 -c`.
enum PythonScript {
    /// Removes files that are not served from a folder of unpacked wheels, and writes gzip copies.
    ///
    /// Arguments: the folder, and a JSON object with the files to keep for known packages.
    static let prepare = #"""
        import gzip, json, os, shutil, sys
        root, known = sys.argv[1], json.loads(sys.argv[2])
        always = ("metadata.json", "package-info.json", "favicon.ico")
        served = (".js", ".mjs", ".css", ".map", ".json", ".svg", ".png", ".jpg", ".gif", ".ico", ".wasm",
                  ".woff", ".woff2", ".ttf", ".otf", ".eot")
        texts = (".js", ".mjs", ".css", ".map", ".svg")

        def keep(package, relative):
            name = relative.rsplit("/", 1)[-1]
            if package in known:
                return relative in known[package] or (name in always and package != "plotly")
            return name.endswith(served)

        for top in os.listdir(root):
            path = os.path.join(root, top)
            if top in ("bin", "etc", "share") or top.startswith("_"):
                shutil.rmtree(path)
            elif os.path.isdir(path) and not top.endswith(".dist-info"):
                for folder, folders, files in os.walk(path, topdown=False):
                    for name in files:
                        file = os.path.join(folder, name)
                        relative = os.path.relpath(file, path).replace(os.sep, "/")
                        if os.path.islink(file) or not keep(top, relative):
                            os.remove(file)
                        elif name.endswith(texts) and os.path.getsize(file) > 1024:
                            with open(file, "rb") as source, open(file + ".gz", "wb") as out:
                                with gzip.GzipFile("", "wb", 9, out, 0) as packed:
                                    shutil.copyfileobj(source, packed)
                    if not os.listdir(folder):
                        os.rmdir(folder)
        """#
}

/// A program to run, with its output read line by line.
package struct Command {
    /// A name looked up in `PATH`, or a path.
    package var executable: String
    package var arguments: [String]
    package var environment: [String: String]

    package init(executable: String, arguments: [String], environment: [String: String]) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
    }

    package struct Result {
        /// The exit status, or the signal's number.
        package var status: Int32
        /// The lines of standard output and standard error.
        package var output: [String]
    }

    /// Runs the program, and blocks until it exits.
    ///
    /// - Parameter onLine: Called with each line as it is printed.
    /// - Returns: The result; nil if there is no such program.
    package func run(onLine: (String) -> Void) -> Result? {
        guard let path else { return nil }
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = pipe
        process.standardError = pipe
        guard (try? process.run()) != nil else { return nil }
        // An open copy in this process would keep the pipe open after the program exits.
        try? pipe.fileHandleForWriting.close()
        let output = lines(from: pipe.fileHandleForReading, onLine: onLine)
        process.waitUntilExit()
        return Result(status: process.terminationStatus, output: output)
    }

    private func lines(from handle: FileHandle, onLine: (String) -> Void) -> [String] {
        var splitter = LineSplitter(longest: .max)
        var lines: [String] = []
        func take(_ new: [String]) {
            lines += new
            for line in new { onLine(line) }
        }
        while case let data = handle.availableData, !data.isEmpty { take(splitter.add(data)) }
        take(splitter.finish())
        return lines
    }

    /// The program's path: itself if it contains a slash, otherwise the first executable in `PATH`.
    package var path: String? {
        guard !executable.contains("/") else { return executable }
        let folders = (environment["PATH"] ?? "").split(separator: ":")
        return folders.map { "\($0)/\(executable)" }.first(where: FileManager.default.isExecutableFile)
    }
}
