import Testing

@testable import Dash

@Suite("The program's own part of a backtrace")
struct PrunedTraceTests {
    private let trace = """
        App/Rows.swift:7: Fatal error: Index out of range

        *** Program crashed: Illegal instruction at 0x00007f0a ***

        Thread 2 crashed:

        0 0x00007f0a _assertionFailure(_:_:file:line:flags:) + 161 in libswiftCore.so
        1 [ra] 0x000055 element(_:) + 24 in my-app at /home/me/App/Rows.swift:7:12
        2 [ra] 0x000056 closure #1 in rows() + 24 in my-app at /home/me/App/Rows.swift:20:9
        3 [ra] 0x000057 static DashApp.erased(_:) + 99 in my-app at /lib/dash-swift/Sources/Dash/App/DashApp.swift:80:1
        4 [ra] 0x000058 run() + 1 in my-app at /home/me/.build/checkouts/swift-nio/Sources/NIO.swift:3:1
        """

    @Test("The reason and the frames of user code remain")
    func userCode() {
        let wanted = """
            App/Rows.swift:7: Fatal error: Index out of range
                element(_:) at Rows.swift:7
                closure #1 in rows() at Rows.swift:20
            """
        #expect(PrunedTrace.text(of: trace, ownSources: "/lib/dash-swift/Sources") == wanted)
    }

    @Test("A text without such frames is unchanged", arguments: ["", "printed\nthis", "0 0x1 f() + 1 in libc.so"])
    func otherText(text: String) {
        #expect(PrunedTrace.text(of: text) == text)
    }
}

@Suite("Reports of a trap in the server")
struct TrapReportTests {
    private let text = """
        *** Program crashed: Illegal instruction at 0x00007fe59b36df7f ***

        Thread 0 "app" crashed:

          0      0x00007fe59b36df7f _assertionFailure(_:_:file:line:flags:) + 623 in libswiftCore.so
          1 [ra] 0x000055dff35c8f40 el(_:_:) + 47 in app at /home/me/App/main.swift:1:56
        """

    @Test("Contains signal, function, place and the program's own frames; the file is removed")
    func file() throws {
        let folder = try SuitesFolder()
        let path = try folder.write(text, to: "trap")
        let report = try #require(TrapReport.take(file: path, signal: 4))
        #expect(report.message.hasPrefix("The process trapped with SIGILL in el(_:_:) at main.swift:1: an index out"))
        #expect(folder.names() == [])
        #expect(TrapReport.take(file: path, signal: 4) == nil)
        #expect(report.json(.pruned)["trace"].stringValue?.contains("libswiftCore") == false)
        #expect(report.json(.whole)["trace"].stringValue?.contains("libswiftCore") == true)
    }

    @Test("Round-trips as text, with a new id")
    func handedOn() throws {
        let report = TrapReport(message: "It trapped.", trace: String(repeating: "x\n", count: 100_000))
        let received = try #require(TrapReport(text: report.text))
        #expect(received.message == report.message && received.trace == report.trace)
        #expect(received.trace.utf8.count == 16 * 1024)
        #expect(received.id != report.id)
        #expect(TrapReport(text: "no JSON") == nil)
    }
}
