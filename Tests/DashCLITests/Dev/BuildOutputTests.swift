import Testing

@testable import DashCLI

@Suite("Output of a failed build")
struct BuildOutputTests {
    @Test("Contains the compiler's messages without duplicates and progress, with relative paths")
    func messages() {
        let lines = """
            [0/1] Planning build
            Building for debugging...
            [3/7] Compiling app main.swift
            /home/me/app/Sources/app/main.swift:3:9: error: cannot find 'totl' in scope
            1 | let total = 1
            3 | print(totl)
              |       `- error: cannot find 'totl' in scope
            [4/7] Compiling app other.swift
            /home/me/app/Sources/app/main.swift:3:9: error: cannot find 'totl' in scope
            1 | let total = 1
            3 | print(totl)
              |       `- error: cannot find 'totl' in scope
            /home/me/app/Sources/app/other.swift:1:1: warning: unused

            error: fatalError
            """.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let wanted = """
            Sources/app/main.swift:3:9: error: cannot find 'totl' in scope
            1 | let total = 1
            3 | print(totl)
              |       `- error: cannot find 'totl' in scope
            Sources/app/other.swift:1:1: warning: unused
            """
        #expect(BuildOutput.messages(in: lines, folder: "/home/me/app") == wanted)
    }

    @Test("Other messages are kept; an empty output has a default message")
    func others() {
        let text = BuildOutput.messages(in: ["error: no such module 'Dsh'", "ld: undefined symbol"], folder: "/a")
        #expect(text == "error: no such module 'Dsh'\nld: undefined symbol")
        #expect(BuildOutput.messages(in: [], folder: "/a") == "The build failed without a message.")
    }
}
