import Testing

@testable import Jobs

@Suite
struct CrashReportTests {
    static let optimised = """
        something printed before

        *** Signal 4: Backtracing from 0x55f684ea465e... done ***

        *** Swift runtime failure: arithmetic overflow ***

        Platform: x86_64 Linux (Debian GNU/Linux 12 (bookworm))

        Thread 1 crashed:

          0 [inlined] Swift runtime failure: arithmetic overflow in myapp at /<compiler-generated>
          1 specialized sum(_:_:) + 14 in myapp at /somewhere/in app/Jobs.swift:30:77

             28| }
          *  30| func sum(_ first: Int, _ second: Int) -> Int { first + second }
               |                                                        ^

          2 0x00007fdb9e59ee60 swift::runJob(swift::Job*) + 367 in libswift_Concurrency.so

        ...

        Backtrace took 0.53s

        """

    @Test("a trap of an optimized build names signal, function, file and line")
    func optimisedBuild() {
        let failure = CrashReport(end: .signalled(4), output: Self.optimised).failure
        #expect(
            failure.message == "The process trapped with SIGILL in sum(_:_:) at Jobs.swift:30: arithmetic overflow."
        )
        #expect(failure.trace?.hasPrefix("*** Signal 4") == true)
        #expect(failure.trace?.hasSuffix("Backtrace took 0.53s") == true)
        #expect(failure.kind == .crash && failure.code == "signal")
    }

    static let quick = """
        *** Signal 4: Backtracing from 0x55a6ad263f8d... done ***

        *** Program crashed: Illegal instruction at 0x000055a6ad263f8d ***

        Thread 2 crashed:

          0 [system]      0x000055a6ad263f8d sum(_:_:) + 45 in myapp at //<compiler-generated>
          1 [ra]          0x000055a6ad262474 closure #3 in total() + 243 in myapp at /somewhere/Jobs.swift:13:39
          2 [ra]          0x00007f336a3cae60 swift::runJob(swift::Job*) + 367 in libswift_Concurrency.so
        """

    @Test("fast symbolication finds the function of a failed check and its caller")
    func quickLookup() {
        let failure = CrashReport(end: .signalled(4), output: Self.quick).failure
        let place = "in sum(_:_:), called by closure #3 in total() at Jobs.swift:13"
        #expect(failure.message.hasPrefix("The process trapped with SIGILL \(place): an index out of range, "))
        let bare = Self.quick.split(separator: "\n").filter { !$0.contains("[ra]") }.joined(separator: "\n")
        let alone = CrashReport(end: .signalled(4), output: bare).failure
        #expect(alone.message.hasPrefix("The process trapped with SIGILL in sum(_:_:): "))
    }

    @Test("the message of a fatal error is the reason and the start of the trace")
    func fatalError() {
        let output = "Swift/ContiguousArrayBuffer.swift:692: Fatal error: Index out of range\n" + Self.optimised
        let failure = CrashReport(end: .signalled(4), output: output).failure
        #expect(failure.message.hasSuffix(": Index out of range."))
        #expect(failure.trace?.hasPrefix("Swift/Contiguous") == true)
    }

    @Test("a crash without output is described by its signal")
    func noBacktrace() {
        #expect(CrashReport(end: .signalled(9), output: "").failure.message.contains("SIGKILL"))
        #expect(CrashReport(end: .signalled(9), output: "").failure.trace == nil)
        #expect(CrashReport(end: .signalled(11), output: "").failure.message.contains("swift-backtrace"))
        #expect(CrashReport(end: .signalled(64), output: "").failure.message.contains("signal 64"))
        let exit = CrashReport(end: .exited(3), output: "first\nlast words\n").failure
        #expect(exit.code == "exit" && exit.trace == "first\nlast words")
    }

    @Test("only lines of a backtrace are parsed")
    func frames() throws {
        let plain = try #require(BacktraceFrame("  3 closure #1 in run(_:) + 24 in my app at /a/b c/Jobs.swift:27:19"))
        #expect(plain.function == "closure #1 in run(_:)" && plain.image == "my app" && plain.place == "Jobs.swift:27")
        let library = try #require(BacktraceFrame("12 0x00007fb5 swift_job_run + 85 in libswift_Concurrency.so"))
        #expect(library.function == "swift_job_run" && !library.isUserCode)
        let thunk = try #require(BacktraceFrame("1 specialized thunk for @escaping X + 3 in app at /a/J.swift:2"))
        #expect(thunk.function == "a closure" && thunk.isUserCode)
        for line in [
            " 3 0x0000563510eba509", "0x12", "7", "3 [",
            "", "   ", "*** Signal 4", "     25| let x = 1 in y", "Thread 2 crashed:", "...", "3", "3 x",
        ] {
            #expect(BacktraceFrame(line) == nil, "\(line)")
        }
    }
}
