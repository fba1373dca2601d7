import DashJSON
import Jobs

/// One request of the renderer to run, poll or cancel a callback.
struct CallbackCall: Sendable {
    /// The app's name, the first part of its jobs' names.
    let app: String
    let callback: Callback
    /// The ids, values and triggers from the body.
    let request: CallbackRequest
    /// The request's headers, cookies and path.
    let page: PageRequest
    /// The browser's session and the page load; nil if the request has neither.
    let visitor: Visitor?
    /// The owner of its jobs: the result of the app's `identify`, otherwise the session.
    let owner: String
    let query: JobQuery
    /// The names of cookies and headers that are passed to jobs.
    let jobContext: JobContext
    /// The app's error handler, for callbacks without one.
    let appOnError: (@Sendable (CallbackFailure) async throws -> Void)?
    /// Signals when the browser closes the connection.
    let connection: ConnectionWatch?
    /// Runs the app's code.
    let executor: any TaskExecutor
    /// The developer tools in effect.
    let tools: ActiveDevTools
    /// What the callback adds to the response's headers.
    let reply = CallbackReply()

    /// The name by which a worker finds the callback.
    var jobName: String { "\(app)/\(callback.name)" }

    /// The context for running code of this call in the server.
    func context(emit: @escaping @Sendable (CallbackContext.Event) -> Void) -> CallbackContext {
        request.context(page: page, owner: owner, reply: reply, emit: emit)
    }

    func slot(page: String) -> RunningJobs.Slot {
        RunningJobs.Slot(
            page: RunningJobs.Page(owner: owner, load: page),
            app: app,
            callback: callback.id,
            outputs: outputsText
        )
    }

    /// The outputs as in ``RunningJobs/Slot``.
    var outputsText: String { request.wireTargets.map(\.text).joined(separator: "\n") }
}

extension CallbackRequest.Target {
    fileprivate var text: String {
        switch self {
        case .one(let id): id.text
        case .list(let ids): ids.map(\.text).joined(separator: "\t")
        }
    }
}

/// A job's data for the web process: its outputs, and the context for `onError`.
struct JobDetails: Sendable {
    /// The outputs the job was started for, as in ``RunningJobs/Slot``.
    var outputs: String
    /// The start context as ``CallbackContext`` encodes it; nil if it is not needed.
    var context: RawJSON?

    init(outputs: String, context: RawJSON?) {
        self.outputs = outputs
        self.context = context
    }

    /// Decodes ``bytes``.
    ///
    /// - Throws: `JSONError` for invalid JSON.
    init(decoding bytes: [UInt8]) throws {
        let json = try JSON(parsing: bytes)
        outputs = json["outputs"].stringValue ?? ""
        context = json["context"].isNull ? nil : RawJSON(json["context"])
    }

    var bytes: [UInt8] {
        var writer = JSONWriter()
        writer.object { object in
            object.member("outputs", outputs)
            if let context { object.member("context", context) }
        }
        return writer.bytes
    }
}

extension PropertyUpdate {
    /// A property that a job has set; nil for an invalid id.
    init?(_ value: PropertyValue) {
        guard let id = try? ComponentID(text: value.id) else { return nil }
        self.init(ref: PropertyRef(id: id, property: value.property), value: value.value)
    }
}

/// The concrete ids of a background callback's patterns in one call.
extension CallbackCall {
    /// The values of the progress properties after the job.
    var progressDefault: [PropertyUpdate] {
        guard let updates = callback.background?.progressDefault else { return [] }
        return context { _ in }.placed(updates)
    }

    /// The cancel inputs that the browser detects. It cannot match patterns; the server matches clicks on those.
    var cancelInputs: [PropertyRef] { (callback.background?.cancel ?? []).filter { !$0.id.hasWildcard } }

    /// The name of this request of a cancel input for a callback: one for all its jobs, or for those of a row.
    func cancelName(for callback: Callback) -> String {
        let keys = Self.placeKeys(of: callback)
        return cancelName(callback, context { _ in }.match.filter { keys.contains($0.key) })
    }

    /// The names of all cancel requests that end the job of this start.
    var cancelNames: Set<String> {
        let job = Self.match(of: callback, outputs: outputsText)
        return Set(
            (callback.background?.cancel ?? []).map { input in
                cancelName(callback, job.filter { input.id.matchKeys.contains($0.key) })
            }
        )
    }

    private func cancelName(_ callback: Callback, _ match: [String: IDValue]) -> String {
        RawJSON(json: [.string(app), .string(callback.id), ComponentID(pattern: match).json]).description
    }

    /// Whether this click on a cancel input applies to a job.
    ///
    /// - Parameters:
    ///   - id: The job's callback.
    ///   - outputs: The outputs it was started for, as in ``RunningJobs/Slot``.
    ///   - callbacks: The callbacks with this cancel input.
    func cancels(jobOf id: String, outputs: String, among callbacks: [Callback]) -> Bool {
        guard let callback = callbacks.first(where: { $0.id == id }) else { return false }
        let clicked = context { _ in }.match
        let job = Self.match(of: callback, outputs: outputs)
        // A row's button cancels the row's job; any other button cancels the jobs of all rows.
        return clicked.allSatisfy { key, value in job[key].map { $0 == value } ?? true }
    }

    /// The keys whose values distinguish the jobs of rows.
    private static func placeKeys(of callback: Callback) -> Set<String> {
        callback.wireOutputs.filter { !$0.id.standsForList }.reduce(into: []) { $0.formUnion($1.id.matchKeys) }
    }

    /// The values of each `match` of the outputs in a slot of ``RunningJobs``, by key.
    private static func match(of callback: Callback, outputs text: String) -> [String: IDValue] {
        let ids = text.split(separator: "\n", omittingEmptySubsequences: false)
        var values: [String: IDValue] = [:]
        for (output, id) in zip(callback.wireOutputs, ids) where !output.id.standsForList {
            guard let id = try? ComponentID(text: String(id)) else { continue }
            for key in output.id.matchKeys { values[key] = id.members[key] }
        }
        return values
    }
}

/// Enforces a callback's `interval:` between two deliveries of one job's progress, across servers.
struct ProgressPace: Sendable {
    let sharedState: any SharedState

    /// Records a delivery of progress.
    ///
    /// - Throws: `JobsError.storage`.
    func delivered(_ job: JobID, interval: Duration?) async throws {
        guard let interval, interval > .zero else { return }
        try await sharedState.startCooldown("progress:\(job)", for: interval)
    }

    /// Whether an update may wait: it has only progress, and the job continues.
    static func mayWait(_ news: JobUpdate) -> Bool {
        guard case .updates(let progress, let props) = PollDecision(news) else { return false }
        return !news.state.isFinished && props.isEmpty && !progress.isEmpty
    }

    /// How long to delay an update; nil if it may be delivered now.
    ///
    /// - Throws: `JobsError.storage`.
    func wait(before news: JobUpdate, interval: Duration?) async throws -> Duration? {
        guard let interval, interval > .zero, Self.mayWait(news) else { return nil }
        return try await sharedState.cooldown("progress:\(news.id)")
    }
}
