package import DashJSON
import HTTPTypes
import Hummingbird
package import Jobs
import Logging
import NIOCore
import ServiceLifecycle
import Support

/// A site that is asked without a connection, for tests of apps: the responder that serves HTTP answers, its jobs are kept
/// in memory and run where the test says.
package struct InProcessSite: Sendable {
    /// An answer as it left the server.
    package struct Answer: Sendable {
        package let status: Int
        /// The headers in order, their names in lower case.
        package let headers: [(name: String, value: String)]
        package let body: [UInt8]
    }

    let assembly: SiteAssembly
    private let logger: Logger

    /// Puts a site together, one that tells errors in full.
    ///
    /// - Parameters:
    ///   - site: The site. Its queue is not used.
    ///   - executor: Where callbacks run.
    ///   - jobs: What runs jobs.
    ///   - clock: The time of jobs that wait for one, such as the next attempt.
    ///   - sharedState: What several servers would share.
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
            // A page of a test has no browser that would run out of connections.
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
    ///
    /// - Parameters:
    ///   - method: `GET` or `POST`.
    ///   - path: the path with the query.
    ///   - headers: the headers.
    ///   - body: the body.
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
        // A body in memory can always be read.
        let bytes = (try? await response.bodyBytes) ?? []
        return Answer(
            status: response.status.code,
            headers: response.headers.map { ($0.name.canonicalName, $0.value) },
            body: bytes
        )
    }
}

extension DashSite {
    /// Runs one job in this process, as a worker does in its own.
    ///
    /// - Throws: what the callback throws.
    package func runJob(_ task: WorkerTask, _ channel: WorkerChannel) async throws -> [UInt8] {
        try await JobWorker(site: self).run(task, channel)
    }

    /// The name of the task that other workers run for a job; nil for a job with code of its own.
    package func remoteTask(ofJob name: String) -> String? { backgroundCallback(ofJob: name)?.background?.remote?.name }

    /// Does what other workers would: the values of inputs and states become the value of the outputs.
    ///
    /// - Throws: what the stand-in throws, ``DashError`` for a value that does not fit the outputs.
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
