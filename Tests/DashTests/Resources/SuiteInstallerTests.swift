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

    @Test("What is served is there afterwards with a gzip form, and nothing else")
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

    @Test("A folder that is complete is left as it is, without Python")
    func again() async throws {
        _ = try await installer().install()
        try folder.write("mark", to: "place/suites/mark")
        var second = installer()
        second.python = "/no/such/python"
        _ = try await second.install()
        #expect(folder.text(of: "place/suites/mark") == "mark")
    }

    @Test("A folder with another lock is replaced, and one that was written by half")
    func replace() async throws {
        try folder.write("dash-swift suites, layout 1\nold==1 --hash=sha256:00\n", to: "place/suites/suites.stamp")
        try folder.write("x", to: "place/suites/old_suite/x.js")
        _ = try await installer().install()
        #expect(!folder.names(in: "place/suites").contains("old_suite"))
        try FileManager.default.removeItem(atPath: folder.path + "/place/suites/suites.stamp")
        _ = try await installer().install()
        #expect(folder.names(in: "place/suites").contains("suites.stamp"))
    }

    @Test("A wheel with another hash is refused, and the old folder is as it was")
    func wrongHash() async throws {
        try folder.write("old", to: "place/suites/dash/old.js")
        let wheel = SuiteWheel(name: "dash-tiny", version: "1.0", sha256: String(repeating: "0", count: 64))
        let error = await failure(of: installer(SuiteLock(wheels: [wheel])))
        #expect(error?.code == .hash)
        #expect(error?.message.contains("Nothing was installed") == true)
        #expect(error?.cause.contains(wheels.wheel.sha256) == true)
        expectOldFolder()
    }

    @Test("A version that the index does not have is told by name")
    func notFound() async throws {
        let wheel = SuiteWheel(name: "dash-tiny", version: "2.0", sha256: wheels.wheel.sha256)
        let error = await failure(of: installer(SuiteLock(wheels: [wheel])))
        #expect(error?.code == .notFound)
        #expect(error?.cause.contains("dash-tiny==2.0") == true)
    }

    @Test("An index that does not answer is a matter of the network")
    func noNetwork() async throws {
        try folder.write("old", to: "place/suites/dash/old.js")
        var installer = installer()
        installer.environment.removeValue(forKey: "PIP_NO_INDEX")
        installer.environment.removeValue(forKey: "PIP_FIND_LINKS")
        // Nothing listens on the port of the discard service.
        installer.environment["PIP_INDEX_URL"] = "http://127.0.0.1:9/simple"
        installer.environment["PIP_RETRIES"] = "1"
        installer.environment["NO_PROXY"] = "127.0.0.1"
        let error = await failure(of: installer)
        #expect(error?.code == .network)
        expectOldFolder()
    }

    @Test("Without Python or pip the error says what to install")
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

    @Test("pip failing half way leaves the old folder, and its last lines are told")
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

    @Test("What a killed installer left is cleared away, and the folder it had moved is back")
    func killed() async throws {
        try folder.write("half", to: "place/.suites.installing-1/dash/x.js")
        try folder.write("old", to: "place/.suites.old/dash/old.js")
        var installer = installer()
        installer.python = try folder.program("exit 1", named: "python")
        #expect(await failure(of: installer) != nil)
        expectOldFolder()
    }

    @Test("A folder with other things in it is not touched")
    func otherThings() async throws {
        try folder.write("dear", to: "place/suites/letters.txt")
        let error = await failure(of: installer())
        #expect(error?.code == .wrongFolder)
        #expect(error?.message.contains("letters.txt") == true)
        #expect(folder.text(of: "place/suites/letters.txt") == "dear")
    }

    @Test("A folder that cannot be made is an error of storage")
    func storage() async throws {
        try folder.write("a file", to: "place")
        #expect(await failure(of: installer())?.code == .storage)
    }

    @Test("Of two installers at once one works and the other waits for it")
    func twoAtOnce() async throws {
        var installer = installer()
        let log = folder.path + "/log"
        installer.python = try folder.program("echo $1 >> '\(log)'; exec python3 \"$@\"", named: "python")
        async let first = installer.install()
        async let second = installer.install()
        #expect(try await first == second)
        // The one that worked asked for the interpreter, which did the rest.
        #expect(folder.text(of: "log") == "-c\n")
    }

    @Test("A shim that fails after pip has succeeded, as pyenv's when another pip runs, is bypassed")
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
        // The shim comes first in PATH, and fails as it should.
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

    @Test("An interpreter that does not name itself is run as it is")
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

    /// Nothing but the old folder and the lock of installers is there.
    private func expectOldFolder(sourceLocation: Testing.SourceLocation = #_sourceLocation) {
        #expect(folder.names(in: "place") == [".suites.lock", "suites"], sourceLocation: sourceLocation)
        #expect(folder.text(of: "place/suites/dash/old.js") == "old", sourceLocation: sourceLocation)
    }
}
