import Dash
import Dispatch
import Foundation
import Jobs
import Support
import Synchronization
import UnixSignals

/// Runs `dash-swift dev`: passes events to ``DevState`` and performs its actions.
struct DevLoop: Sendable {
    typealias Events = AsyncStream<DevState.Event>.Continuation

    let product: String
    /// The build's path and command line.
    let build: (path: String, arguments: [String])
    /// The app's path and command line.
    let app: (path: String, arguments: [String])
    let appEnvironment: [String: String]
    let buildEnvironment: [String: String]
    let folder: String
    /// The file with the build report for the app.
    let reportFile: String
    let watch: SourceWatch
    /// The time the app has to stop before it is killed.
    var grace: Duration = .seconds(15)
    /// The time limit of a check, since a program without the check never exits.
    var longestCheck: Duration = .seconds(20)

    /// Builds, serves and watches until interrupted.
    ///
    /// - Returns: The exit code of this process.
    func run() async -> Int32 {
        let (events, continuation) = AsyncStream<DevState.Event>.makeStream()
        let end = DispatchSemaphore(value: 0)
        return await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) {
                    continuation.yield(.interrupted)
                }
            }
            group.addTask { [watch] in
                try? await OwnThread.run { watch.run(until: end) { continuation.yield(.changed) } }
            }
            let code = await follow(events, continuation, &group)
            end.signal()
            group.cancelAll()
            return code
        }
    }

    private func follow(
        _ events: AsyncStream<DevState.Event>,
        _ continuation: Events,
        _ group: inout TaskGroup<Void>
    ) async -> Int32 {
        var state = DevState(product: product)
        var running = Running()
        for action in state.begin() { perform(action, &running, continuation, &group) }
        for await event in events {
            for action in state.handle(event) {
                if case .exit(let code) = action { return code }
                perform(action, &running, continuation, &group)
            }
        }
        return 0
    }

    private struct Running {
        var build: DevelopmentProcess?
        var app: DevelopmentProcess?
    }

    private func perform(
        _ action: DevState.Action,
        _ running: inout Running,
        _ events: Events,
        _ group: inout TaskGroup<Void>
    ) {
        switch action {
        case .say(let sentence): Output.line("dash-swift: \(sentence)")
        case .report(let report): publish(report)
        case .build: running.build = startBuild(events)
        case .check:
            running.build = startCheck(events)
            group.addTask { [check = running.build, longestCheck] in
                try? await Task.sleep(for: longestCheck)
                check?.killGroup()
            }
        case .startApp: running.app = startApp(events)
        case .stopBuild: running.build?.killGroup()
        case .killApp: running.app?.killGroup()
        case .stopApp(let number):
            running.app?.send(SIGTERM)
            group.addTask { [grace] in
                try? await Task.sleep(for: grace)
                events.yield(.graceOver(number))
            }
        case .exit: break
        }
    }

    private func publish(_ report: BuildReport?) {
        do { try BuildReport.write(report, to: reportFile) } catch {
            Output.line("dash-swift: The build report cannot be written: \(error)")
        }
    }

    private func startBuild(_ events: Events) -> DevelopmentProcess? {
        let lines = Lines()
        let show = { @Sendable (line: String) in
            Output.line(line)
            lines.add(line)
        }
        return start(build, buildEnvironment, events, onLine: show, orElse: { .failed("\($0)") }) { [folder] end in
            end == .exited(0) ? .built : .failed(BuildOutput.messages(in: lines.all, folder: folder))
        }
    }

    private func startCheck(_ events: Events) -> DevelopmentProcess? {
        let lines = Lines()
        let environment = appEnvironment.merging([DevelopmentProcess.checkVariable: "1"]) { $1 }
        return start(app, environment, events, onLine: lines.add, orElse: { _ in .checked }) { end in
            // Other failures are reported when the app starts.
            let isRefused = end == .exited(DevelopmentProcess.refused)
            return isRefused ? .refused(lines.all.joined(separator: "\n")) : .checked
        }
    }

    private func startApp(_ events: Events) -> DevelopmentProcess? {
        start(app, appEnvironment, events, orElse: { .appEnded("could not be started: \($0)") }) { .appEnded("\($0)") }
    }

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - failed: The event if it cannot be started.
    ///   - ended: The event when it has exited.
    private func start(
        _ program: (path: String, arguments: [String]),
        _ environment: [String: String],
        _ events: Events,
        onLine: (@Sendable (String) -> Void)? = nil,
        orElse failed: (any Error) -> DevState.Event,
        _ ended: @escaping @Sendable (ExitStatus) -> DevState.Event
    ) -> DevelopmentProcess? {
        let (path, arguments) = program
        do {
            return try DevelopmentProcess.start(path, arguments, environment: environment, onLine: onLine) { end in
                events.yield(ended(end))
            }
        } catch {
            events.yield(failed(error))
            return nil
        }
    }
}

/// The part of a build's output that a page shows: the compiler's messages without duplicates and progress.
enum BuildOutput {
    /// - Parameters:
    ///   - lines: The build's output.
    ///   - folder: The package's folder, removed from paths.
    static func messages(in lines: [String], folder: String) -> String {
        let lines = lines.filter { !isProgress($0) }.map { $0.replacing("\(folder)/", with: "") }
        // The compiler repeats a message for each file of the same batch.
        let text = blocks(of: lines).unique.joined(separator: "\n")
        return text.isEmpty ? "The build failed without a message." : text
    }

    /// Splits lines into messages; a message starts with file, line and column.
    private static func blocks(of lines: [String]) -> [String] {
        var blocks: [[String]] = []
        for line in lines {
            if line.isEmpty { continue }
            if blocks.isEmpty || line.contains(/^\S.*:\d+:\d+: (error|warning|note):/) || line.hasPrefix("error:") {
                blocks.append([])
            }
            blocks[blocks.count - 1].append(line)
        }
        return blocks.map { $0.joined(separator: "\n") }
    }

    private static func isProgress(_ line: String) -> Bool {
        line.contains(#/^\[\d+/\d+\] /#) || line.hasPrefix("Building for ") || line.hasPrefix("Build complete!")
            || line.hasPrefix("Planning build") || line == "error: fatalError"
            || line.contains(/^error: (emit-module|compile) command failed/)
    }
}

/// Lines collected by another thread.
final class Lines: Sendable {
    private let lines = Mutex<[String]>([])

    func add(_ line: String) { lines.withLock { $0.append(line) } }

    /// All lines so far, in order.
    var all: [String] { lines.withLock { $0 } }
}
