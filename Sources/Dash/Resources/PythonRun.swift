import Foundation

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
