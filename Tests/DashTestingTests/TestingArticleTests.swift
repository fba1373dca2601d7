import Foundation
import Testing

/// The article's samples are part of code that the tests compile.
@Suite struct TestingArticleTests {
    @Test func samplesAreCompiled() throws {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        let root = tests.deletingLastPathComponent().deletingLastPathComponent()
        let article = try String(contentsOf: root.appending(path: "Sources/Dash/Dash.docc/Testing.md"), encoding: .utf8)
        let code = try Self.trimmed(
            String(contentsOf: tests.appending(path: "TestingArticle.swift"), encoding: .utf8)
        )
        let samples = article.components(separatedBy: "```swift\n").dropFirst()
            .map { $0.components(separatedBy: "```")[0] }
        #expect(samples.count >= 6)
        for sample in samples {
            #expect(
                code.contains(Self.trimmed(sample)),
                "The article's sample is not in TestingArticle.swift:\n\(sample)"
            )
        }
    }

    /// The lines without indentation and empty lines.
    private static func trimmed(_ text: String) -> String {
        text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
            .joined(separator: "\n")
    }
}
