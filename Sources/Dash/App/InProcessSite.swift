package import DashJSON
import HTTPTypes
import Hummingbird
package import Jobs
import Logging
import NIOCore
import ServiceLifecycle
import Support

/// A site without connections, for tests: the same responder answers, and jobs are stored in memory and run where the
/// test decides.
package struct InProcessSite: Sendable {
    package struct Answer: Sendable {
        package let status: Int
        /// The headers in order, with names in lower case.
        package let headers: [(name: String, value: String)]
        package let body: [UInt8]
    }

    let assembly: SiteAssembly
    private let logger: Logger

    /// Assembles a site that reports errors in full.
    ///
    /// - Parameters:
    ///   - site: The site. Its queue is not used.
    ///   - executor: Where callbacks run.
    ///   - jobs: Where jobs run.
    ///   - clock: The clock for delays of jobs, such as that before a retry.
    ///   - sharedState: The state that several servers would share.
    /// - Throws: ``DashError`` with code `findings` for mistakes in its apps.
    package init(
        _ site: DashSite,
        executor: any TaskExecutor,
        jobs: any JobExecutor,
        clock: any JobClock,
        sharedState: any SharedState
    ) throws {
        let findings = site.findings(ignoringQueue: true)
        guard findings.isEmpty else { throw DashError(.findings, findings.joined(separator: "\n")) }
        logger = Logger(label: "dash.testing") { _ in SwiftLogNoOpLogHandler() }
        var configuration = site.configuration
        configuration.debug = false
        configuration.devTools = DevTools()
        let dependencies = SiteAssembly.Dependencies(
            executor: executor,
            makeManager: { setup in
                EmbeddedJobManager(
                    store: MemoryJobStore(),
                    executor: jobs,
                    configuration: setup.configuration,
                    clock: clock,
                    logger: setup.logger
                )
            },
            makeSharedState: { _ in sharedState },
            signer: Signer(secret: Array(Base64.random(byteCount: 32).utf8)),
            suites: nil,
            errors: .text,
            firstWait: .zero,
            // A page of a test has no browser with a connection limit.
            pollLimits: PollLimits(limit: .max),
            longestHold: .seconds(24 * 3600)
        )
        assembly = try SiteAssembly(site, configuration, dependencies, logger: logger)
    }

    /// Runs the site's services until the task is cancelled.
    package func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for service in assembly.services { group.addTask { try await service.run() } }
            try await group.waitForAll()
        }
    }

    /// Answers a request.
    package func respond(
        _ method: String,
        _ path: String,
        headers: [(name: String, value: String)],
        body: [UInt8] = []
    ) async -> Answer {
        var fields = HTTPFields()
        for header in headers {
            if let name = HTTPField.Name(header.name) { fields.append(HTTPField(name: name, value: header.value)) }
        }
        let head = HTTPRequest(
            method: HTTPRequest.Method(rawValue: method) ?? .get,
            scheme: "http",
            authority: "localhost",
            path: path,
            headerFields: fields
        )
        let request = Request(head: head, body: RequestBody(buffer: ByteBuffer(bytes: body)))
        let response = await assembly.responder.respond(
            to: request,
            context: InProcessContext(source: InProcessSource(logger: logger)),
            connection: nil
        )
        // Reading a body in memory cannot fail.
        let bytes = (try? await response.bodyBytes) ?? []
        return Answer(
            status: response.status.code,
            headers: response.headers.map { ($0.name.canonicalName, $0.value) },
            body: bytes
        )
    }
}

extension DashSite {
    /// Runs one job in this process, as a worker process does.
    ///
    /// - Throws: An error of the callback.
    package func runJob(_ task: WorkerTask, _ channel: WorkerChannel) async throws -> [UInt8] {
        try await JobWorker(site: self).run(task, channel)
    }

    /// The name of the task that other workers run for a job; nil for a job with a closure.
    package func remoteTask(ofJob name: String) -> String? { backgroundCallback(ofJob: name)?.background?.remote?.name }

    /// Stands in for other workers: turns the values of inputs and states into the value of the outputs.
    ///
    /// - Throws: An error of the stand-in, or ``DashError`` for a value that does not fit the outputs.
    package func runRemoteJob(
        _ task: WorkerTask,
        _ standIn: @Sendable ([JSON]) async throws -> JSON
    ) async throws -> [UInt8] {
        let codec = SiteJobCodec(site: self)
        let arguments = try codec.encode(payload: task.payload, of: task.name).arguments.json.arrayValue ?? []
        return try codec.result(ofValue: RawJSON(json: try await standIn(arguments)), of: task.name)
    }
}

/// A request's context without a connection.
private struct InProcessContext: RequestContext {
    typealias Source = InProcessSource
    var coreContext: CoreRequestContextStorage

    init(source: InProcessSource) { coreContext = CoreRequestContextStorage(source: source) }
}

private struct InProcessSource: RequestContextSource {
    let logger: Logger
}
