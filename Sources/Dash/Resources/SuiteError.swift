/// Why the files of the component suites are not there or cannot be installed.
public struct SuiteError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure; stable, for programs.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's text.
        public let description: String

        /// No folder with the suites was found.
        public static let notInstalled = Code(description: "suites-not-installed")
        /// A folder was named or found that does not hold the suites this program needs.
        public static let wrongFolder = Code(description: "suites-wrong-folder")
        /// The lock cannot be read.
        public static let lock = Code(description: "suites-lock")
        /// There is no Python interpreter.
        public static let noPython = Code(description: "suites-no-python")
        /// The Python interpreter is too old for a suite.
        public static let oldPython = Code(description: "suites-old-python")
        /// The Python interpreter has no pip.
        public static let noPip = Code(description: "suites-no-pip")
        /// The package index cannot be reached.
        public static let network = Code(description: "suites-network")
        /// A downloaded file is not the one that was pinned.
        public static let hash = Code(description: "suites-hash")
        /// The package index has no such version, or none that can be used here.
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
    /// A sentence that says what happened and what to do.
    public let message: String
    /// What the failed command or system call said last; empty if nothing.
    public let cause: String

    /// Makes an error of a kind, with its sentence and cause.
    public init(_ code: Code, _ message: String, cause: String = "") {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// The sentence, and the cause on the lines after it.
    public var description: String {
        cause.isEmpty ? message : "\(message)\n\(cause)"
    }
}
