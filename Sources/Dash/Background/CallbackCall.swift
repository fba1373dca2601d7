import DashJSON
import Jobs

/// One request of the renderer to run, poll or cancel a callback, with all that is known of it.
struct CallbackCall: Sendable {
    /// The app's name, the first part of its jobs' names.
    let app: String
    let callback: Callback
    /// The ids, values and triggers of the body.
    let request: CallbackRequest
    /// The request's headers, cookies and path.
    let page: PageRequest
    /// The browser's session and the page load; nil when the request names neither.
    let visitor: Visitor?
    /// Whose jobs these are: what the app's `identify` said, else the session.
    let owner: String
    let query: JobQuery
    /// The names of cookies and headers that travel into jobs.
    let jobContext: JobContext
    /// The app's own handler of errors, for callbacks without one.
    let appOnError: (@Sendable (CallbackFailure) async throws -> Void)?
    /// Tells when the browser closes the connection.
    let connection: ConnectionWatch?
    /// Where the app's code runs.
    let executor: any TaskExecutor
    /// The developer's tools that are on.
    let tools: ActiveDevTools
    /// What the callback adds to the answer's head.
    let reply = CallbackReply()

    /// The name under which a worker finds the callback.
    var jobName: String { "\(app)/\(callback.name)" }

    /// The context for running something of this call in the server.
    func context(emit: @escaping @Sendable (CallbackContext.Event) -> Void) -> CallbackContext {
        request.context(page: page, owner: owner, reply: reply, emit: emit)
    }

    /// Where the page keeps this callback's job.
    func slot(page: String) -> RunningJobs.Slot {
        RunningJobs.Slot(
            page: RunningJobs.Page(owner: owner, load: page),
            app: app,
            callback: callback.id,
            outputs: outputsText
        )
    }

    /// The outputs as in ``RunningJobs/Place``.
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

/// What a job keeps for the web process: where it belongs on its page, and the context for `onError`.
struct JobDetails: Sendable {
    /// The outputs the job was started for, as in ``RunningJobs/Place``.
    var outputs: String
    /// The start context as ``CallbackContext`` encodes it; nil where nothing will ask for it.
    var context: RawJSON?

    init(outputs: String, context: RawJSON?) {
        self.outputs = outputs
        self.context = context
    }

    /// Reads what ``bytes`` wrote.
    ///
    /// - Throws: `JSONError` for bytes that are no JSON.
    init(decoding bytes: [UInt8]) throws {
        let json = try JSON(parsing: bytes)
        outputs = json["outputs"].stringValue ?? ""
        context = json["context"].isNull ? nil : RawJSON(json["context"])
    }

    /// The details as JSON.
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
    /// A property that a job has set; nil for an id that is none, which no job of ours sends.
    init?(_ value: PropertyValue) {
        guard let id = try? ComponentID(text: value.id) else { return nil }
        self.init(ref: PropertyRef(id: id, property: value.property), value: value.value)
    }
}

/// What the patterns of a background callback stand for in one of its calls.
extension CallbackCall {
    /// What the progress properties become when the job is over.
    var progressDefault: [PropertyUpdate] {
        guard let updates = callback.background?.progressDefault else { return [] }
        return context { _ in }.placed(updates)
    }

    /// The cancel inputs that the browser can tell by itself. It does not know a pattern again; clicks on those are matched
    /// by the server.
    var cancelInputs: [PropertyRef] { (callback.background?.cancel ?? []).filter { !$0.id.hasWildcard } }

    /// What this request of a cancel input is called where it ends jobs of a callback: all, or those of its row.
    func cancelName(for callback: Callback) -> String {
        let keys = callback.placeKeys
        return cancelName(callback, context { _ in }.match.filter { keys.contains($0.key) })
    }

    /// The names of all requests of cancel inputs that end the job of this start.
    var cancelNames: Set<String> {
        let job = callback.match(ofOutputs: outputsText)
        return Set(
            (callback.background?.cancel ?? []).map { input in
                cancelName(callback, job.filter { input.id.matchKeys.contains($0.key) })
            }
        )
    }

    private func cancelName(_ callback: Callback, _ match: [String: IDValue]) -> String {
        RawJSON(json: [.string(app), .string(callback.id), ComponentID(pattern: match).json]).description
    }

    /// Whether this click on a cancel input means a job.
    ///
    /// - Parameters:
    ///   - id: the job's callback.
    ///   - outputs: the outputs it was started for, as in ``RunningJobs/Place``.
    ///   - callbacks: those that have this cancel input.
    func cancels(jobOf id: String, outputs: String, among callbacks: [Callback]) -> Bool {
        guard let callback = callbacks.first(where: { $0.id == id }) else { return false }
        let clicked = context { _ in }.match
        let job = callback.match(ofOutputs: outputs)
        // A row's button ends the row's job; a button that is not of a row, the jobs of all rows.
        return clicked.allSatisfy { key, value in job[key].map { $0 == value } ?? true }
    }
}

extension Callback {
    /// The keys whose values tell the jobs of rows apart.
    fileprivate var placeKeys: Set<String> {
        wireOutputs.filter { !$0.id.standsForList }.reduce(into: []) { $0.formUnion($1.id.matchKeys) }
    }

    /// What each `match` of the outputs stands for in a place of ``RunningJobs``, by key.
    fileprivate func match(ofOutputs text: String) -> [String: IDValue] {
        let ids = text.split(separator: "\n", omittingEmptySubsequences: false)
        var values: [String: IDValue] = [:]
        for (output, id) in zip(wireOutputs, ids) where !output.id.standsForList {
            guard let id = try? ComponentID(text: String(id)) else { continue }
            for key in output.id.matchKeys { values[key] = id.members[key] }
        }
        return values
    }
}

/// Keeps a callback's `interval:` between two deliveries of progress of one job, whichever servers give them.
struct ProgressPace: Sendable {
    let sharedState: any SharedState

    /// Notes that progress was delivered just now.
    ///
    /// - Throws: `JobsError.storage`.
    func delivered(_ job: JobID, interval: Duration?) async throws {
        guard let interval, interval > .zero else { return }
        try await sharedState.startCooldown("progress:\(job)", for: interval)
    }

    /// Whether news may wait: only progress of a job that goes on.
    static func mayWait(_ news: JobUpdate) -> Bool {
        guard case .updates(let progress, let props) = PollDecision(news) else { return false }
        return !news.state.isFinished && props.isEmpty && !progress.isEmpty
    }

    /// How long to keep these news back; nil when they may go now.
    ///
    /// - Throws: `JobsError.storage`.
    func wait(before news: JobUpdate, interval: Duration?) async throws -> Duration? {
        guard let interval, interval > .zero, Self.mayWait(news) else { return nil }
        return try await sharedState.cooldown("progress:\(news.id)")
    }
}
