import ArgumentParser
import Foundation
import Jobs
import Logging

extension DashSite {
    /// Serves the site, or does whatever else the command line says; returns when that is done.
    ///
    /// In a worker process, which the server starts from this same executable, it runs jobs and never returns. So the code
    /// before `run()` runs in every process: declare there, and open connections inside callbacks.
    ///
    /// Mistakes in the apps are printed with file and line, all of them, and end the process with code 1; so does an
    /// error that keeps the server from starting.
    ///
    /// - Parameter arguments: the command line after the program's name; nil is the process's own.
    public func run(arguments: [String]? = nil) async throws {
        if WorkerProcess.isWorker { await JobWorker(site: self).serve() }
        DevelopmentProcess.endWithTool()
        var command: any ParsableCommand
        do {
            command = try SiteCommand.command(for: arguments ?? Array(CommandLine.arguments.dropFirst()))
        } catch {
            SiteCommand.exit(withError: error)
        }
        do {
            switch command {
            case let serve as ServeCommand: try await self.serve(serve)
            case let worker as WorkerCommand: try await work(worker)
            // A call for help: the text is in the error that this throws.
            default: do { try command.run() } catch { SiteCommand.exit(withError: error) }
            }
        } catch {
            FileHandle.standardError.write(Data("error: \(error)\n".utf8))
            exit(1)
        }
    }

    private func serve(_ command: ServeCommand) async throws {
        let environment = ProcessInfo.processInfo.environment
        let configuration = try command.apply(to: configuration, environment: environment)
        reportFindings(isCheck: DevelopmentProcess.isCheck)
        if DevelopmentProcess.isCheck { exit(0) }
        let logger = Logger.site(environment["LOG_LEVEL"])
        let server = SiteServer(site: self, configuration: configuration, logger: logger)
        if SupervisedServer.isSupervised { return try await server.run() }
        try await SuitesAtStart(site: self, configuration: configuration).makeSure()
        if !command.supervise { return try await server.run() }
        let trapFile = configuration.debug ? NSTemporaryDirectory() + "dash-swift-trap-" + UUID().uuidString : nil
        let code = await Supervisor(logger: logger, trapFile: trapFile).run()
        if code != 0 { exit(code) }
    }

    private func work(_ command: WorkerCommand) async throws {
        guard let jobs else { throw DashError.noQueue }
        reportFindings()
        let environment = ProcessInfo.processInfo.environment
        let logger = Logger.site(command.logLevel?.rawValue ?? environment["LOG_LEVEL"])
        if let note = command.note { logger.notice("\(note)") }
        let setup = JobBackendSetup(self, configuration, logger: logger)
        let worker = try jobs.makeWorker(setup, options: command.options)
        let code = try await WorkerSignals.run(worker, logger: logger)
        if code != 0 { exit(code) }
    }

    /// Prints what is wrong with the apps, if anything is, and ends the process.
    private func reportFindings(isCheck: Bool = false) {
        let findings = findings
        guard !findings.isEmpty else { return }
        for finding in findings { FileHandle.standardError.write(Data("error: \(finding)\n".utf8)) }
        exit(isCheck ? DevelopmentProcess.refused : 1)
    }

    /// What is wrong with the site and its apps, each with file and line where it has one.
    var findings: [String] { findings(ignoringQueue: false) }

    /// The same.
    ///
    /// - Parameter ignoringQueue: True where no queue is used, as in a test.
    func findings(ignoringQueue: Bool) -> [String] {
        let contents = contents
        let isEmpty = contents.mounts.isEmpty && contents.pages.isEmpty
        return contents.problems + contents.sharedNames + contents.mounts.flatMap { $0.app.findings.map(\.description) }
            + (ignoringQueue ? [] : queueFindings)
            + (isEmpty ? ["The site is empty: mount an app before it is served."] : [])
    }
}

extension DashApp {
    /// Serves this app alone, at the root; see ``DashSite/run(arguments:)``.
    ///
    /// - Parameters:
    ///   - configuration: how it is served; the command line and the environment win.
    ///   - arguments: the command line after the program's name; nil is the process's own.
    public func run(_ configuration: SiteConfiguration = SiteConfiguration(), arguments: [String]? = nil) async throws {
        let site = DashSite(configuration, jobs: jobs)
        site.mount(self, at: "/")
        try await site.run(arguments: arguments)
    }
}
