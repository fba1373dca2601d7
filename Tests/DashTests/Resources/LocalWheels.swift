import Foundation

@testable import Dash

/// A package index for one test: a folder with a small wheel, read by pip without a network.
struct LocalWheels {
    let folder: SuitesFolder
    let wheel: SuiteWheel

    /// Creates the wheel `dash-tiny` with one script and some files that are not served.
    init(in folder: SuitesFolder) throws {
        self.folder = folder
        let script = try folder.write(Self.script, to: "make-wheel.py")
        let command = Command(
            executable: "python3",
            arguments: [script, folder.path],
            environment: ProcessInfo.processInfo.environment
        )
        let result = command.run { _ in }
        wheel = SuiteWheel(name: "dash-tiny", version: "1.0", sha256: result?.output.last ?? "")
    }

    /// The environment in which pip finds only these wheels.
    var environment: [String: String] {
        ProcessInfo.processInfo.environment.merging(
            ["PIP_NO_INDEX": "1", "PIP_FIND_LINKS": folder.path, "PIP_CONFIG_FILE": "/dev/null"]
        ) { $1 }
    }

    private static let script = #"""
        import hashlib, os, sys, zipfile
        name = os.path.join(sys.argv[1], "dash_tiny-1.0-py3-none-any.whl")
        files = {
            "dash_tiny/dash_tiny.min.js": "var tiny = 1;\n" * 200,
            "dash_tiny/small.js": "1",
            "dash_tiny/metadata.json": "{}",
            "dash_tiny/__init__.py": "",
            "dash_tiny/deep/only.py": "",
            "_dash_tiny_helpers/x.js": "",
            "dash_tiny-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: dash-tiny\nVersion: 1.0\n",
            "dash_tiny-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        files["dash_tiny-1.0.dist-info/RECORD"] = "".join(f"{f},,\n" for f in files) + "dash_tiny-1.0.dist-info/RECORD,,\n"
        with zipfile.ZipFile(name, "w") as wheel:
            for path, text in files.items():
                wheel.writestr(path, text)
        print(hashlib.sha256(open(name, "rb").read()).hexdigest())
        """#
}
