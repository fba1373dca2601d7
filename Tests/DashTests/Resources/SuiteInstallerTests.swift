import Foundation
import Synchronization
import Testing

@testable import Dash

@Suite("Installing the suites with pip")
struct SuiteInstallerTests {
    private let folder: SuitesFolder
    private let wheels: LocalWheels

    init() throws {
        folder = try SuitesFolder()
        wheels = try LocalWheels(in: folder)
    }

    private func installer(_ lock: SuiteLock? = nil) -> SuiteInstaller {
        SuiteInstaller(
            lock: lock ?? SuiteLock(wheels: [wheels.wheel]),
            target: folder.path + "/place/suites",
            environment: wheels.environment
        )
    }

    @Test("Installs the served files with gzip copies, and nothing else")
    func install() async throws {
        let lines = Mutex<[String]>([])
        let installed = try await installer().install { line in lines.withLock { $0.append(line) } }
        #expect(installed.path == folder.path + "/place/suites")
        #expect(folder.names(in: "place") == [".suites.lock", "suites"])
        #expect(folder.names(in: "place/suites") == ["dash_tiny", "dash_tiny-1.0.dist-info", "suites.stamp"])
        let names = ["dash_tiny.min.js", "dash_tiny.min.js.gz", "metadata.json", "small.js"]
        #expect(folder.names(in: "place/suites/dash_tiny") == names)
        #expect(lines.withLock(\.first) == "Downloading dash-tiny 1.0 with pip …")
        #expect(lines.withLock(\.last) == "Installed in \(installed.path)")
    }

    @Test("A complete folder is unchanged, and Python is not needed")
    func again() async throws {
        _ = try await installer().install()
        try folder.write("mark", to: "place/suites/mark")
        var second = installer()
        second.python = "/no/such/python"
        _ = try await second.install()
        #expect(folder.text(of: "place/suites/mark") == "mark")
    }

    @Test("A folder with another lock or without a stamp is replaced")
    func replace() async throws {
        try folder.write("dash-swift suites, layout 1\nold==1 --hash=sha256:00\n", to: "place/suites/suites.stamp")
        try folder.write("x", to: "place/suites/old_suite/x.js")
        _ = try await installer().install()
        #expect(!folder.names(in: "place/suites").contains("old_suite"))
        try FileManager.default.removeItem(atPath: folder.path + "/place/suites/suites.stamp")
        _ = try await installer().install()
        #expect(folder.names(in: "place/suites").contains("suites.stamp"))
    }

    @Test("A wheel with another hash is rejected, and the old folder is unchanged")
    func wrongHash() async throws {
        try folder.write("old", to: "place/suites/dash/old.js")
        let wheel = SuiteWheel(name: "dash-tiny", version: "1.0", sha256: String(repeating: "0", count: 64))
        let error = await failure(of: installer(SuiteLock(wheels: [wheel])))
        #expect(error?.code == .hash)
        #expect(error?.message.contains("nothing was installed") == true)
        #expect(error?.cause.contains(wheels.wheel.sha256) == true)
        expectOldFolder()
    }

    @Test("A version that the index does not have is reported by name")
    func notFound() async throws {
        let wheel = SuiteWheel(name: "dash-tiny", version: "2.0", sha256: wheels.wheel.sha256)
        let error = await failure(of: installer(SuiteLock(wheels: [wheel])))
        #expect(error?.code == .notFound)
        #expect(error?.cause.contains("dash-tiny==2.0") == true)
    }

    @Test("An unreachable index is a network error")
    func noNetwork() async throws {
        try folder.write("old", to: "place/suites/dash/old.js")
        var installer = installer()
        installer.environment.removeValue(forKey: "PIP_NO_INDEX")
        installer.environment.removeValue(forKey: "PIP_FIND_LINKS")
        // The port of the discard service is closed.
        installer.environment["PIP_INDEX_URL"] = "http://127.0.0.1:9/simple"
        installer.environment["PIP_RETRIES"] = "1"
        installer.environment["NO_PROXY"] = "127.0.0.1"
        let error = await failure(of: installer)
        #expect(error?.code == .network)
        expectOldFolder()
    }

    @Test("Without Python or pip, the error says what to install")
    func noPython() async throws {
        var installer = installer()
        installer.python = "no-such-python"
        #expect(await failure(of: installer)?.code == .noPython)
        installer.python = folder.path + "/neither"
        #expect(await failure(of: installer)?.code == .noPython)
        installer.python = try folder.program("echo 'python3: No module named pip' >&2; exit 1", named: "python")
        let error = await failure(of: installer)
        #expect(error?.code == .noPip)
        #expect(error?.message.contains("apt install python3-pip") == true)
    }

    @Test("After a failure of pip the old folder is unchanged, and the error has pip's last lines")
    func halfWay() async throws {
        try folder.write("old", to: "place/suites/dash/old.js")
        var installer = installer()
        installer.python = try folder.program(
            """
            [ "$1" = -m ] || exit 1
            cd "\(folder.path)"/place/.suites.installing-* && mkdir dash && seq 1 20 && kill -9 $$
            """,
            named: "python"
        )
        let error = await failure(of: installer)
        #expect(error?.code == .failed)
        #expect(error?.cause == (13...20).map(String.init).joined(separator: "\n"))
        expectOldFolder()
    }

    @Test("Files of a killed installer are removed, and the folder it moved is restored")
    func killed() async throws {
        try folder.write("half", to: "place/.suites.installing-1/dash/x.js")
        try folder.write("old", to: "place/.suites.old/dash/old.js")
        var installer = installer()
        installer.python = try folder.program("exit 1", named: "python")
        #expect(await failure(of: installer) != nil)
        expectOldFolder()
    }

    @Test("A folder with other files is not changed")
    func otherThings() async throws {
        try folder.write("dear", to: "place/suites/letters.txt")
        let error = await failure(of: installer())
        #expect(error?.code == .wrongFolder)
        #expect(error?.message.contains("letters.txt") == true)
        #expect(folder.text(of: "place/suites/letters.txt") == "dear")
    }

    @Test("A folder that cannot be created is a storage error")
    func storage() async throws {
        try folder.write("a file", to: "place")
        #expect(await failure(of: installer())?.code == .storage)
    }

    @Test("Of two concurrent installers, one waits for the other")
    func twoAtOnce() async throws {
        var installer = installer()
        let log = folder.path + "/log"
        installer.python = try folder.program("echo $1 >> '\(log)'; exec python3 \"$@\"", named: "python")
        async let first = installer.install()
        async let second = installer.install()
        #expect(try await first == second)
        // Only one run of Python goes through the script: the one that determines the interpreter's path.
        #expect(folder.text(of: "log") == "-c\n")
    }

    @Test("A shim that fails after pip has succeeded, such as pyenv's, is bypassed")
    func shim() async throws {
        var installer = installer()
        let python = try #require(
            Command(executable: "python3", arguments: [], environment: installer.environment).path
        )
        let shim = try folder.program(
            """
            '\(python)' "$@" || exit
            [ "$1" != -m ] || { echo "pyenv: cannot rehash: couldn't acquire lock" >&2; exit 1; }
            """,
            named: "shims/python3"
        )
        // The shim is first in PATH, and fails.
        installer.environment["PATH"] = "\(folder.path)/shims:\(installer.environment["PATH"] ?? "")"
        let direct = Command(
            executable: "python3",
            arguments: ["-m", "pip", "--version"],
            environment: installer.environment
        )
        #expect(direct.path == shim)
        let result = direct.run { _ in }
        #expect(result?.status == 1 && result?.output.last?.contains("cannot rehash") == true)
        _ = try await installer.install()
        #expect(folder.names(in: "place/suites").contains("dash_tiny"))
    }

    @Test("An interpreter that does not print its path is used directly")
    func namelessInterpreter() throws {
        for text in ["exit 1", "echo", "echo python3", "echo /no/such/python"] {
            let program = try folder.program(text, named: "python")
            #expect(PythonRun(python: program).bypassingShims().python == program)
        }
        #expect(PythonRun(python: "no-such-python").bypassingShims().python == "no-such-python")
    }

    private func failure(of installer: SuiteInstaller) async -> SuiteError? {
        do {
            _ = try await installer.install()
            return nil
        } catch {
            return error as? SuiteError
        }
    }

    /// Checks that only the old folder and the installers' lock exist.
    private func expectOldFolder(sourceLocation: Testing.SourceLocation = #_sourceLocation) {
        #expect(folder.names(in: "place") == [".suites.lock", "suites"], sourceLocation: sourceLocation)
        #expect(folder.text(of: "place/suites/dash/old.js") == "old", sourceLocation: sourceLocation)
    }
}
