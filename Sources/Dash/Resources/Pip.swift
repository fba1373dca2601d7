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

/// Tells from what Python printed why it failed.
enum PipFailure {
    /// The error to throw, with the last lines of the output as its cause.
    ///
    /// - Parameters:
    ///   - output: What it printed, by lines.
    ///   - message: The sentence for a reason that is not known.
    static func error(for output: [String], otherwise message: String) -> SuiteError {
        let text = output.joined(separator: "\n")
        let (code, message) =
            reasons.first { reason in reason.signs.contains { text.contains($0) } }
            .map { ($0.code, $0.message) } ?? (.failed, message)
        return SuiteError(code, message, cause: lastLines(of: output))
    }

    /// The end of an output, for people.
    static func lastLines(of output: [String]) -> String {
        output.filter { !$0.allSatisfy(\.isWhitespace) }.suffix(8).joined(separator: "\n")
    }

    private struct Reason {
        var code: SuiteError.Code
        var signs: [String]
        var message: String
    }

    /// In this order: an unreachable index also says that it has no matching version.
    private static let reasons = [
        Reason(
            code: .noPip,
            signs: ["No module named pip"],
            message: "Python has no pip. Install it, on Debian and Ubuntu: apt install python3-pip"
        ),
        Reason(
            code: .hash,
            signs: ["DO NOT MATCH THE HASHES"],
            message: "A downloaded wheel is not the one that is pinned. Nothing was installed. Do not use the package "
                + "index it came from before you know why."
        ),
        Reason(
            code: .storage,
            signs: ["No space left on device", "Permission denied", "Read-only file system"],
            message: "pip cannot write the files: there is no space or no permission."
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

/// Runs the Python interpreter, with pip's settings such that it asks nothing and writes to no other place.
package struct PythonRun: Sendable {
    /// The interpreter: a name that is looked up in `PATH`, or a path.
    package var python: String
    /// The environment to run it in.
    package var environment: [String: String]

    package init(python: String, environment: [String: String] = ProcessInfo.processInfo.environment) {
        self.python = python
        self.environment = environment
    }

    /// Runs Python to its end on the calling thread, which waits.
    ///
    /// - Parameters:
    ///   - arguments: What follows the interpreter's name.
    ///   - message: What an error says if pip's own words do not tell the reason.
    ///   - onLine: Is called with each line that is printed.
    /// - Throws: `SuiteError` if there is no Python, or it ends with another status than 0.
    package func run(
        _ arguments: [String],
        otherwise message: String = "pip failed. The lines below say why.",
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
                "There is no Python (\(python)). Install Python 3.9 or later with pip, on Debian and Ubuntu: "
                    + "apt install python3-pip"
            )
        }
        guard result.status == 0 else { throw PipFailure.error(for: result.output, otherwise: message) }
    }

    /// The same runs with the interpreter that is behind a shim.
    ///
    /// The `python3` of a version manager may be a script that does something else after Python has ended: that of pyenv
    /// ends with "cannot rehash" when another pip runs at the same time, although the installation succeeded. Blocks the
    /// calling thread. An interpreter that does not name itself is kept: its own runs report what is wrong with it.
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

/// Small Python programs, run with `python3 -c`.
enum PythonScript {
    /// Prunes a folder of unpacked wheels to what is served, and writes gzip forms.
    ///
    /// Arguments: the folder, and a JSON object with the files to keep of those packages of which that is known.
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

/// A program that is run to its end, its output read line by line.
package struct Command {
    /// A name that is looked up in `PATH`, or a path.
    package var executable: String
    package var arguments: [String]
    package var environment: [String: String]

    package init(executable: String, arguments: [String], environment: [String: String]) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
    }

    /// How a program ended.
    package struct Result {
        /// The exit status; a signal's number if it was killed.
        package var status: Int32
        /// What it printed, errors included, by lines.
        package var output: [String]
    }

    /// Runs the program on the calling thread, which waits.
    ///
    /// - Parameter onLine: Is called with each line as it is printed.
    /// - Returns: How it ended; nil if there is no such program.
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
        // Ours would keep the pipe open after the program has ended.
        try? pipe.fileHandleForWriting.close()
        let output = lines(from: pipe.fileHandleForReading, onLine: onLine)
        process.waitUntilExit()
        return Result(status: process.terminationStatus, output: output)
    }

    private func lines(from handle: FileHandle, onLine: (String) -> Void) -> [String] {
        var lines: [String] = []
        var rest: [UInt8] = []
        func take(_ bytes: some Sequence<UInt8>) {
            let line = String(decoding: Array(bytes), as: UTF8.self)
            lines.append(line)
            onLine(line)
        }
        while case let data = handle.availableData, !data.isEmpty {
            rest += data
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                take(rest[..<end])
                rest.removeFirst(end + 1)
            }
        }
        if !rest.isEmpty { take(rest) }
        return lines
    }

    /// The program's path: itself if it has a slash, else the first in `PATH` that may be run.
    package var path: String? {
        guard !executable.contains("/") else { return executable }
        let folders = (environment["PATH"] ?? "").split(separator: ":")
        return folders.map { "\($0)/\(executable)" }.first(where: FileManager.default.isExecutableFile)
    }
}
