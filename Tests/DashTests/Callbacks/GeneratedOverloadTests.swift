import Foundation
import Testing

@Suite("Generated overloads")
struct GeneratedOverloadTests {
    @Test("equal the output of scripts/generate-arity")
    func upToDate() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..").standardized
        let check = Process()
        check.executableURL = URL(filePath: "/usr/bin/env")
        check.arguments = ["python3", root.appending(path: "scripts/generate-arity").path, "--check"]
        try check.run()
        check.waitUntilExit()
        #expect(check.terminationStatus == 0)
    }
}
