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
    func place(page: String) -> RunningJobs.Place {
        RunningJobs.Place(
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
