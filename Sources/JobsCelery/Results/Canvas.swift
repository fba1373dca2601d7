import DashJSON
import Logging
import Support

/// Plans what follows a task: the chain's next step, callbacks, errbacks, a chord's body. Sends nothing itself.
struct Canvas: Sendable {
    var routes: TaskRoutes
    /// Generates missing IDs of tasks and groups.
    var makeID: @Sendable () -> String = { UniqueID.random().text }

    /// What follows the completion of a task.
    ///
    /// - Parameter now: Milliseconds since 1970.
    /// - Throws: `CeleryError.malformed` for a signature that cannot be sent; the task should then fail.
    func plan(after message: TaskMessage, _ ending: TaskEnding, now: Int64) throws(CeleryError) -> CanvasPlan {
        var plan = CanvasPlan()
        switch ending {
        case .success(let value):
            plan = try followers(of: message, value, now: now)
            plan.parts = part(of: message, .success, value)
        case .failure(let exception, let traceback):
            plan.parts = part(of: message, .failure, RawJSON(exception))
            fail(message.chain, exception, traceback, now: now, in: &plan)
            plan.steps = try errbacks(message.errbacks, of: message.id, root: message.treeID, now: now)
        case .revoked(let exception):
            plan.parts = part(of: message, .revoked, RawJSON(exception))
        }
        return plan
    }

    /// What follows the completion of a chord's parts: its body, or the body's failure.
    func plan(after chord: CompleteChord, now: Int64) throws(CeleryError) -> CanvasPlan {
        switch chord.outcome {
        case .success(let results):
            let options = chord.part.body.options
            var spread = CanvasSpread(canvas: self, now: now)
            let context = CanvasContext(
                rootID: options["root_id"]?.stringValue ?? chord.part.rootID,
                parentID: options["parent_id"]?.stringValue ?? chord.part.taskID
            )
            _ = try spread.send(chord.part.body, prefix: [results], context)
            return CanvasPlan(steps: spread.steps)
        case .failure(let exception):
            return try failure(of: chord.part.body, exception, now: now)
        }
    }

    /// Callbacks and the chain's next step.
    private func followers(of message: TaskMessage, _ value: RawJSON, now: Int64) throws(CeleryError) -> CanvasPlan {
        var spread = CanvasSpread(canvas: self, now: now)
        let context = CanvasContext(rootID: message.treeID, parentID: message.id)
        var children: [JSON] = []
        for callback in Self.bundled(message.callbacks) {
            children.append(try spread.send(callback, prefix: [value], context))
        }
        if let next = message.chain.last {
            var context = context
            context.chain = message.chain.dropLast()
            children.append(try spread.send(next, prefix: [value], context))
        }
        return CanvasPlan(steps: spread.steps, children: children)
    }

    /// Several plain callbacks are sent as one group, as in Celery.
    private static func bundled(_ callbacks: [Signature]) -> [Signature] {
        guard callbacks.count > 1 else { return callbacks }
        let plain = callbacks.filter { $0.kind != .group }
        return callbacks.filter { $0.kind == .group } + (plain.isEmpty ? [] : [.group(plain)])
    }

    /// Errbacks as tasks, each with the failed task's ID prepended, as Celery sends errbacks that are not registered.
    func errbacks(
        _ errbacks: [Signature],
        of id: String,
        root: String,
        now: Int64
    ) throws(CeleryError) -> [CanvasStep] {
        guard !errbacks.isEmpty else { return [] }
        var spread = CanvasSpread(canvas: self, now: now)
        let context = CanvasContext(rootID: root, parentID: id)
        _ = try spread.send(.group(errbacks), prefix: [RawJSON(id)], context)
        return spread.steps
    }

    /// The chord part that a task completes; empty if it is not in a chord.
    private func part(of message: TaskMessage, _ state: TaskState, _ result: RawJSON) -> [ChordPart] {
        guard let chord = message.chord, let group = message.group else { return [] }
        let part = ChordPart(
            taskID: message.id,
            group: group,
            index: message.groupIndex,
            state: state,
            result: result,
            body: chord,
            rootID: message.treeID,
            claim: makeID()
        )
        return [part]
    }
}

/// What follows the completion of a task.
struct CanvasPlan: Sendable, Hashable {
    /// What to send, in order: after a success before its result is stored, otherwise afterwards.
    var steps: [CanvasStep] = []
    /// The sent tasks, for the stored result.
    var children: [JSON] = []
    /// The results of tasks that cannot run any more: the rest of a failed chain.
    var failures: [ResultMeta] = []
    /// The completed chord parts, to be counted after the results are stored.
    var parts: [ChordPart] = []
}

enum CanvasStep: Sendable, Hashable {
    /// Set the number of a chord's parts.
    case open(group: String, size: Int)
    /// Send a message to a queue.
    case send(TaskMessage, queue: String)
}

/// The outcome of a task that determines what follows it.
enum TaskEnding: Sendable, Hashable {
    case success(RawJSON)
    case failure(TaskException, traceback: String?)
    /// It did not run or was stopped.
    case revoked(TaskException)
}

/// Executes plans: sends messages, stores failures and counts chord parts.
struct CanvasRunner: Sendable {
    let canvas: Canvas
    /// The result backend, if any.
    let results: (any ResultStore)?
    /// Counts chord parts; nil without that capability (`rpc://`).
    let chords: (any ChordStore)?
    /// Puts a message into its queue.
    let publish: @Sendable (BrokerMessage) async throws -> Void
    /// The current time in milliseconds since 1970.
    let now: @Sendable () -> Int64
    let logger: Logger

    /// Sends the steps of a plan.
    ///
    /// - Throws: Errors of `publish`, and `CeleryError.option` for a chord without a `ChordStore`. Earlier steps remain
    ///   sent.
    func send(_ steps: [CanvasStep]) async throws {
        for step in steps {
            switch step {
            case .open(let group, let size):
                guard let chords else {
                    throw CeleryError(.option, "A chord requires a result backend in Redis; configure its address.")
                }
                try await chords.open(group, size: size)
            case .send(let message, let queue):
                try await publish(message.raw(queue: queue))
            }
        }
    }

    /// Executes the rest of a plan after the task's result is stored: stores failures, counts chord parts, and sends
    /// the bodies of completed chords.
    ///
    /// - Throws: Errors of `publish` and the stores. Call it again with the same plan then: parts count once, and a
    ///   chord's unsent body is sent.
    func conclude(_ plan: CanvasPlan) async throws {
        for failure in plan.failures { try await results?.store(failure) }
        for part in plan.parts {
            guard let chord = try await chords?.end(part) else { continue }
            try await complete(chord)
        }
    }

    private func complete(_ chord: CompleteChord) async throws {
        switch chord.outcome {
        case .success: try await sendBody(of: chord)
        case .failure(let exception):
            logger.warning(
                "A chord failed",
                metadata: ["group": "\(chord.part.group)", "error": "\(exception.message)"]
            )
            try await failBody(of: chord, exception)
            try await chords?.fail(chord)
        }
    }

    private func sendBody(of chord: CompleteChord) async throws {
        // Another worker may have taken over while the results were read.
        guard try await chords?.keep(chord) == true else { return }
        do {
            try await send(try canvas.plan(after: chord, now: now()).steps)
        } catch let error as CeleryError where error.isLasting {
            logger.error(
                "Could not send a chord's body",
                metadata: ["group": "\(chord.part.group)", "error": "\(error)"]
            )
            try await failBody(of: chord, .chordError("Callback error: \(error)"))
        }
        try await chords?.close(chord)
    }

    private func failBody(of chord: CompleteChord, _ exception: TaskException) async throws {
        let plan = try canvas.failure(of: chord.part.body, exception, now: now())
        try await conclude(plan)
        try await send(plan.steps)
    }
}

extension CeleryError {
    /// Whether a retry cannot succeed.
    var isLasting: Bool { [.option, .malformed, .contentType, .unknownTask].contains(code) }
}

/// What all tasks of one send operation have in common.
struct CanvasContext: Sendable {
    var rootID: String
    var parentID: String
    /// The remaining steps in reverse order; nil to use the signature's.
    var chain: [Signature]?
}

/// Turns signatures into messages: of a group, chain or chord those tasks that can be sent immediately.
struct CanvasSpread {
    let canvas: Canvas
    let now: Int64
    private(set) var steps: [CanvasStep] = []

    init(canvas: Canvas, now: Int64) {
        self.canvas = canvas
        self.now = now
    }

    /// Sends a signature.
    ///
    /// - Parameter prefix: Prepended to the arguments, unless the signature is immutable.
    /// - Returns: Celery's `children` entry: `[[id, parent], null]`, or `[[id, null], [child, …]]`.
    mutating func send(
        _ signature: Signature,
        prefix: [RawJSON],
        _ context: CanvasContext
    ) throws(CeleryError) -> JSON {
        switch signature.kind {
        case .plain: try sendPlain(signature, prefix: prefix, context)
        case .group: try sendGroup(signature, prefix: prefix, context)
        case .chain: try sendChain(signature, prefix: prefix, context)
        case .chord: try sendChord(signature, prefix: prefix, context)
        }
    }

    private mutating func sendPlain(
        _ signature: Signature,
        prefix: [RawJSON],
        _ context: CanvasContext
    ) throws(CeleryError) -> JSON {
        var message = try TaskMessage(signature, prefix: prefix, id: canvas.makeID(), now: now)
        message.rootID = context.rootID
        message.parentID = context.parentID
        if let chain = context.chain { message.chain = chain }
        steps.append(.send(message, queue: canvas.routes.queue(of: signature)))
        return [[.string(message.id), nil], nil]
    }

    private mutating func sendGroup(
        _ signature: Signature,
        prefix: [RawJSON],
        _ context: CanvasContext
    ) throws(CeleryError) -> JSON {
        let group = signature.taskID ?? canvas.makeID()
        let options = signature.options
        // In a chord's header the tasks of a group count for that chord, which is already open.
        if options["chord"]?.isNull == false, options["group_id"]?.isNull ?? true {
            steps.append(.open(group: group, size: signature.size))
        }
        var children: [JSON] = []
        for (index, member) in signature.members.enumerated() {
            var placed = member.adding(options, except: ["task_id", "link", "link_error"])
            placed = placed.adding(["group_id": .string(group), "group_index": .int(index)])
            children.append(try send(placed, prefix: prefix, context))
        }
        return [[.string(group), nil], .array(children)]
    }

    private mutating func sendChain(
        _ signature: Signature,
        prefix: [RawJSON],
        _ context: CanvasContext
    ) throws(CeleryError) -> JSON {
        let options = signature.options
        var tasks = signature.steps.map { $0.linking(options["link_error"], "link_error") }
        guard !tasks.isEmpty else { throw .malformed("A chain has no tasks.") }
        let last = tasks.count - 1
        let lastOptions = JSONObject(options.filter { Self.ofLastStep.contains($0.key) })
        let hasID = tasks[last].taskID != nil
        tasks[last] = tasks[last].linking(options["link"], "link").adding(lastOptions, except: hasID ? ["task_id"] : [])
        for index in tasks.indices where tasks[index].kind == .plain && tasks[index].taskID == nil {
            tasks[index].taskID = canvas.makeID()
        }
        let own = try Signature.list(options["chain"], "chain")
        var context = context
        context.chain = (context.chain ?? own) + tasks.dropFirst().reversed()
        tasks[0] = tasks[0].adding(options, except: Self.notOfFirstStep)
        let partial = signature.arguments.map { RawJSON(json: $0) }
        return try send(tasks[0], prefix: (signature.isImmutable ? [] : prefix) + partial, context)
    }

    private mutating func sendChord(
        _ signature: Signature,
        prefix: [RawJSON],
        _ context: CanvasContext
    ) throws(CeleryError) -> JSON {
        var header = signature.header
        guard var body = signature.body else { return try sendGroup(header, prefix: prefix, context) }
        let options = signature.options
        let group = header.taskID ?? canvas.makeID()
        header.taskID = group
        body = body.linking(options["link"], "link").linking(options["link_error"], "link_error")
        body = body.adding(options, except: Self.notOfBody).adding(["group_id": .string(group)])
        if let chain = context.chain, !chain.isEmpty { body.options["chain"] = Signature.json(chain) }
        if body.taskID == nil { body.taskID = signature.taskID ?? canvas.makeID() }
        var context = context
        context.chain = nil
        if header.members.isEmpty { return try send(body, prefix: [.emptyArray], context) }
        let delay = JSONObject(options.filter { ["countdown", "eta"].contains($0.key) })
        header = header.adding(delay).adding(["chord": body.json])
        header.options["group_id"] = nil
        let members = header.members
        header.kwargs["tasks"] = .array(members.map { $0.belonging(to: group).json })
        return try sendGroup(header, prefix: prefix, context)
    }

    /// A chain's options apply to its last step, all others to its first.
    private static let ofLastStep: Set<String> = ["task_id", "group_id", "group_index", "chord"]
    private static let notOfFirstStep: Set<String> = [
        "task_id", "link", "link_error", "chain", "chord", "group_id", "group_index", "root_id", "parent_id",
    ]
    private static let notOfBody: Set<String> = [
        "task_id", "parent_id", "link", "link_error", "countdown", "eta", "chain",
    ]
}

extension Signature {
    /// Returns a copy for a chord's header, which counts only for this chord.
    fileprivate func belonging(to group: String) -> Signature {
        var signature = self
        signature.options["group_id"] = .string(group)
        return signature
    }
}

// MARK: - Failure

extension Canvas {
    /// Fails the steps of a chain after a failed task, so that their callers do not wait forever.
    func fail(
        _ chain: [Signature],
        _ exception: TaskException,
        _ traceback: String?,
        now: Int64,
        in plan: inout CanvasPlan
    ) {
        var steps = chain
        while !steps.isEmpty {
            let step = steps.removeFirst()
            fail(step, exception, traceback, now: now, in: &plan)
            // A chord's result is that of its body.
            if step.kind == .chord, let body = step.body { steps.append(body) }
        }
    }

    private func fail(
        _ step: Signature,
        _ exception: TaskException,
        _ traceback: String?,
        now: Int64,
        in plan: inout CanvasPlan
    ) {
        guard let id = step.taskID, !plan.failures.contains(where: { $0.taskID == id }) else { return }
        var meta = ResultMeta(taskID: id, .failure, exception: exception, now: now)
        meta.traceback = traceback
        meta.groupID = step.options["group_id"]?.stringValue
        meta.parentID = step.options["parent_id"]?.stringValue
        plan.failures.append(meta)
        if let part = step.part(id: id, exception, claim: makeID()) { plan.parts.append(part) }
    }

    /// What follows when a chord's body cannot run: it and the rest of its chain fail, and its errbacks are sent.
    func failure(of body: Signature, _ exception: TaskException, now: Int64) throws(CeleryError) -> CanvasPlan {
        var plan = CanvasPlan()
        let bodies = body.kind == .group ? body.members : [body]
        let shared = body.kind == .group ? try body.errbacks() : []
        for var body in bodies {
            if body.taskID == nil { body.taskID = makeID() }
            let id = body.taskID ?? ""
            fail(body, exception, nil, now: now, in: &plan)
            plan.steps += try errbacks(try body.errbacks() + shared, of: id, root: id, now: now)
            fail(body.kind == .chain ? body.members : [], exception, nil, now: now, in: &plan)
        }
        fail(try Signature.list(body.options["chain"], "chain"), exception, nil, now: now, in: &plan)
        return plan
    }
}

extension Signature {
    fileprivate func errbacks() throws(CeleryError) -> [Signature] {
        try Signature.list(options["link_error"], "link_error")
    }

    /// The chord part that this task's failure completes.
    fileprivate func part(id: String, _ exception: TaskException, claim: String) -> ChordPart? {
        guard let group = options["group_id"]?.stringValue, let chord = options["chord"],
            let body = try? Signature(chord, "chord")
        else { return nil }
        return ChordPart(
            taskID: id,
            group: group,
            index: options["group_index"]?.intValue,
            state: .failure,
            result: RawJSON(exception),
            body: body,
            rootID: options["root_id"]?.stringValue ?? id,
            claim: claim
        )
    }
}
