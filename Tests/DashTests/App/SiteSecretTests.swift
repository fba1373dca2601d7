import Foundation
import Testing

@testable import Dash

@Suite("The site's secret")
struct SiteSecretTests {
    private let outer: SuitesFolder
    private let folder: DataFolder

    init() throws {
        outer = try SuitesFolder()
        folder = DataFolder(dataDir: outer.path, executable: "/opt/app", environment: [:])
    }

    @Test("DASH_SECRET_KEY is used unchanged, and nothing is written")
    func theGivenKey() throws {
        let key = "0123456789abcdef"
        #expect(try SiteSecret.load(folder: folder, environment: ["DASH_SECRET_KEY": key]) == Array(key.utf8))
        #expect(outer.names() == [])
    }

    @Test("A key that is too short is an error with a command that creates one")
    func aShortKey() {
        let error = #expect(throws: DashError.self) {
            try SiteSecret.load(folder: folder, environment: ["DASH_SECRET_KEY": "0123456789abcde"])
        }
        #expect(error?.code == .secret)
        #expect(error?.message.contains("15 bytes") == true)
        #expect(error?.message.contains("openssl rand -hex 32") == true)
    }

    @Test(
        "Without a key, the first start creates and stores a secret with mode 0600",
        arguments: [[:], ["DASH_SECRET_KEY": ""]]
    )
    func itIsMadeOnce(environment: [String: String]) throws {
        let first = try SiteSecret.load(folder: folder, environment: environment)
        #expect(first.count == 32)
        #expect(outer.names() == ["secret"])
        let attributes = try FileManager.default.attributesOfItem(atPath: outer.path + "/secret")
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        #expect(try SiteSecret.load(folder: folder, environment: environment) == first)
    }

    @Test("Different folders have different secrets")
    func secretsDiffer() throws {
        let other = try SuitesFolder()
        let otherFolder = DataFolder(dataDir: other.path, executable: "/opt/app", environment: [:])
        let (one, two) = try (
            SiteSecret.load(folder: folder, environment: [:]), SiteSecret.load(folder: otherFolder, environment: [:])
        )
        #expect(one != two)
    }

    @Test("A truncated file is reported and never replaced")
    func aCutFile() throws {
        try outer.write("short", to: "secret")
        let error = #expect(throws: DashError.self) { try SiteSecret.load(folder: folder, environment: [:]) }
        #expect(error?.code == .secret)
        #expect(outer.text(of: "secret") == "short")
    }

    @Test("A folder that cannot be written is reported")
    func noPlaceForIt() {
        let nowhere = DataFolder(dataDir: outer.path + "/missing", executable: "/opt/app", environment: [:])
        let error = #expect(throws: DashError.self) { try SiteSecret.load(folder: nowhere, environment: [:]) }
        #expect(error?.code == .secret)
        #expect(error?.message.contains("No such file") == true)
    }
}
