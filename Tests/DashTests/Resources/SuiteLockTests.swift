import Testing

@testable import Dash

@Suite("Suite lock")
struct SuiteLockTests {
    private static let hash = String(repeating: "0a", count: 32)

    @Test("Comments and continuation lines are parsed")
    func read() throws {
        let lock = try SuiteLock(
            parsing: """
                # why
                dash==4.4.1 \\
                    --hash=sha256:\(Self.hash)

                  # more
                dash-ag-grid==35.3.0 --hash=sha256:\(Self.hash.uppercased())
                """
        )
        #expect(
            lock.wheels == [
                SuiteWheel(name: "dash", version: "4.4.1", sha256: Self.hash),
                SuiteWheel(name: "dash-ag-grid", version: "35.3.0", sha256: Self.hash),
            ]
        )
        #expect(try SuiteLock(parsing: lock.text) == lock)
    }

    @Test(
        "The error quotes an invalid line",
        arguments: ["dash", "dash==1", "dash>=1 --hash=sha256:\(hash)", "dash==1 --hash=sha256:0a", "-r other.txt"]
    )
    func refuse(line: String) throws {
        let error = #expect(throws: SuiteError.self) { try SuiteLock(parsing: line) }
        #expect(error?.code == .lock)
        #expect(error?.cause == line)
    }

    @Test("An app's wheels follow the pinned ones, or replace those of the same name")
    func ownWheels() {
        let newer = SuiteWheel(name: "plotly", version: "8.0.0", sha256: Self.hash)
        let other = SuiteWheel(name: "dash-daq", version: "0.6.0", sha256: Self.hash)
        let suites = [newer, other].map { SuiteManifest(name: $0.name, package: $0.name, version: "1", wheel: $0) }
        let lock = SuiteLock(manifests: suites)
        #expect(lock.wheels.map(\.name) == ["dash", "plotly", "dash-ag-grid", "dash-daq"])
        #expect(lock.wheels[1] == newer)
        #expect(lock.digest != SuiteLock.pinned.digest)
        #expect(SuiteLock(manifests: []) == .pinned)
    }

    @Test("The digest is a SHA-256 of the wheels in any order, and the source of the fingerprint time")
    func digest() {
        let empty = SuiteLock(wheels: [])
        #expect(empty.digest == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(empty.fingerprintTime == 0xe3b0_c442)
        #expect(SuiteLock(wheels: SuiteLock.pinned.wheels.reversed()).digest == SuiteLock.pinned.digest)
    }
}
