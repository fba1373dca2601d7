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
