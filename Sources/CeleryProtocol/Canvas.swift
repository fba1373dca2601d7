package import DashJSON
import Support

/// Plans what follows a task: the chain's next step, callbacks, errbacks, a chord's body. Sends nothing itself.
package struct Canvas: Sendable {
    let routes: TaskRoutes
    var makeID: @Sendable () -> String

    /// - Parameters:
    ///   - routes: The default queues of signatures.
    ///   - makeID: Generates missing IDs of tasks and groups.
    package init(routes: TaskRoutes, makeID: @escaping @Sendable () -> String = { UniqueID.random().text }) {
        self.routes = routes
        self.makeID = makeID
    }

    /// What follows the completion of a task.
    ///
    /// - Parameter now: Milliseconds since 1970.
    /// - Throws: `CeleryError.malformed` for a signature that cannot be sent; the task should then fail.
    package func plan(after message: TaskMessage, _ ending: TaskEnding, now: Int64) throws(CeleryError) -> CanvasPlan {
        var plan = CanvasPlan()
        switch ending {
        case .success(let value):
            plan = try followers(of: message, value, now: now)
            plan.parts = part(of: message, .success, value)
        case .failure(let exception, let traceback):
            plan.parts = part(of: message, .failure, RawJSON(exception))
            plan.fail(message.chain, CanvasFailure(exception: exception, traceback: traceback, now: now), makeID)
            plan.steps = try errbacks(message.errbacks, of: message.id, root: message.treeID, now)
        case .revoked(let exception):
            plan.parts = part(of: message, .revoked, RawJSON(exception))
        }
        return plan
    }

    /// What follows the completion of a chord's parts: its body, or the body's failure.
    package func plan(after chord: CompleteChord, now: Int64) throws(CeleryError) -> CanvasPlan {
        switch chord.outcome {
        case .success(let results):
            let options = chord.part.body.options
            var spread = CanvasSpread(canvas: self, now: now)
            let context = CanvasContext(
                rootID: options["root_id"]?.stringValue ?? chord.part.rootID,
                parentID: options["parent_id"]?.stringValue ?? chord.part.taskID,
                prefix: [results]
            )
            _ = try spread.send(chord.part.body, context)
            return CanvasPlan(steps: spread.steps)
        case .failure(let exception):
            return try failure(of: chord.part.body, exception, now: now)
        }
    }

    /// Callbacks and the chain's next step.
    private func followers(of message: TaskMessage, _ value: RawJSON, now: Int64) throws(CeleryError) -> CanvasPlan {
        var spread = CanvasSpread(canvas: self, now: now)
        let context = CanvasContext(rootID: message.treeID, parentID: message.id, prefix: [value])
        var children: [JSON] = []
        for callback in Self.bundled(message.callbacks) {
            children.append(try spread.send(callback, context))
        }
        if let next = message.chain.last {
            var context = context
            context.chain = message.chain.dropLast()
            children.append(try spread.send(next, context))
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
    func errbacks(_ list: [Signature], of id: String, root: String, _ now: Int64) throws(CeleryError) -> [CanvasStep] {
        guard !list.isEmpty else { return [] }
        var spread = CanvasSpread(canvas: self, now: now)
        _ = try spread.send(.group(list), CanvasContext(rootID: root, parentID: id, prefix: [RawJSON(id)]))
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
package struct CanvasPlan: Sendable, Hashable {
    /// What to send, in order: after a success before its result is stored, otherwise afterwards.
    package var steps: [CanvasStep] = []
    /// The sent tasks, for the stored result.
    package var children: [JSON] = []
    /// The results of tasks that cannot run any more: the rest of a failed chain.
    package var failures: [ResultMeta] = []
    /// The completed chord parts, to be counted after the results are stored.
    package var parts: [ChordPart] = []
}

package enum CanvasStep: Sendable, Hashable {
    /// Set the number of a chord's parts.
    case open(group: String, size: Int)
    case send(TaskMessage, queue: String)
}

/// The outcome of a task that determines what follows it.
package enum TaskEnding: Sendable, Hashable {
    case success(RawJSON)
    case failure(TaskException, traceback: String?)
    /// It did not run or was stopped.
    case revoked(TaskException)
}

/// A completed task of a chord's header.
package struct ChordPart: Sendable, Hashable {
    package var taskID: String
    package var group: String
    /// The position of its result; nil for last.
    package var index: Int?
    package var state: TaskState
    /// The value or the exception.
    package var result: RawJSON
    /// Sent after the completion of all parts.
    package var body: Signature
    /// The root of the body's tree.
    var rootID: String
    /// A token, unique to this completion of the part, that claims the right to send the body.
    package var claim: String
}

/// A chord whose parts have all completed.
package struct CompleteChord: Sendable, Hashable {
    /// The part that completed it.
    package var part: ChordPart
    /// The results in order, or why the body must not be sent.
    package var outcome: Result<RawJSON, TaskException>

    package init(part: ChordPart, outcome: Result<RawJSON, TaskException>) {
        self.part = part
        self.outcome = outcome
    }
}

/// The default queues of signatures.
package struct TaskRoutes: Sendable, Hashable {
    /// The names of this program's tasks on the queue.
    var ownTasks: Set<String> = []
    /// The queue of this program's tasks.
    package var ownQueue = "dash"
    /// The queue of all other tasks: Celery's default.
    var otherQueue = "celery"

    package init(ownTasks: Set<String> = [], ownQueue: String = "dash", otherQueue: String = "celery") {
        self.ownTasks = ownTasks
        self.ownQueue = ownQueue
        self.otherQueue = otherQueue
    }

    /// The queue that the signature names, or else its task's default.
    func queue(of signature: Signature) -> String {
        for option in ["queue", "routing_key"] {
            if let queue = signature.options[option]?.stringValue, !queue.isEmpty { return queue }
        }
        return ownTasks.contains(signature.task) ? ownQueue : otherQueue
    }
}

/// What all tasks of one send operation have in common.
struct CanvasContext: Sendable {
    var rootID: String
    var parentID: String
    /// Prepended to the arguments, unless the signature is immutable.
    var prefix: [RawJSON]
    /// The remaining steps in reverse order; nil to use the signature's.
    var chain: [Signature]?
}

/// Turns signatures into messages: of a group, chain or chord those tasks that can be sent immediately.
struct CanvasSpread {
    let canvas: Canvas
    let now: Int64
    private(set) var steps: [CanvasStep] = []

    /// Sends a signature.
    ///
    /// - Returns: Celery's `children` entry: `[[id, parent], null]`, or `[[id, null], [child, …]]`.
    mutating func send(_ signature: Signature, _ context: CanvasContext) throws(CeleryError) -> JSON {
        switch signature.kind {
        case .plain: try sendPlain(signature, context)
        case .group: try sendGroup(signature, context)
        case .chain: try sendChain(signature, context)
        case .chord: try sendChord(signature, context)
        }
    }

    private mutating func sendPlain(_ signature: Signature, _ context: CanvasContext) throws(CeleryError) -> JSON {
        var message = try TaskMessage(signature, prefix: context.prefix, id: canvas.makeID(), now: now)
        message.rootID = context.rootID
        message.parentID = context.parentID
        if let chain = context.chain { message.chain = chain }
        steps.append(.send(message, queue: canvas.routes.queue(of: signature)))
        return [[.string(message.id), nil], nil]
    }

    private mutating func sendGroup(_ signature: Signature, _ context: CanvasContext) throws(CeleryError) -> JSON {
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
            children.append(try send(placed, context))
        }
        return [[.string(group), nil], .array(children)]
    }

    private mutating func sendChain(_ signature: Signature, _ context: CanvasContext) throws(CeleryError) -> JSON {
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
        context.prefix = (signature.isImmutable ? [] : context.prefix) + partial
        return try send(tasks[0], context)
    }

    private mutating func sendChord(_ signature: Signature, _ context: CanvasContext) throws(CeleryError) -> JSON {
        var header = signature.header
        guard var body = signature.body else { return try sendGroup(header, context) }
        let options = signature.options
        let group = header.taskID ?? canvas.makeID()
        header.taskID = group
        body = body.linking(options["link"], "link").linking(options["link_error"], "link_error")
        body = body.adding(options, except: Self.notOfBody).adding(["group_id": .string(group)])
        if let chain = context.chain, !chain.isEmpty { body.options["chain"] = Signature.json(chain) }
        if body.taskID == nil { body.taskID = signature.taskID ?? canvas.makeID() }
        var context = context
        context.chain = nil
        if header.members.isEmpty {
            context.prefix = [.emptyArray]
            return try send(body, context)
        }
        let delay = JSONObject(options.filter { ["countdown", "eta"].contains($0.key) })
        header = header.adding(delay).adding(["chord": body.json])
        header.options["group_id"] = nil
        let members = header.members
        header.kwargs["tasks"] = .array(members.map { $0.belonging(to: group).json })
        return try sendGroup(header, context)
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

/// Why the rest of a chain, or a chord's body, cannot run.
struct CanvasFailure {
    let exception: TaskException
    var traceback: String?
    let now: Int64
}

extension CanvasPlan {
    /// Fails the steps of a chain after a failed task, so that their callers do not wait forever.
    mutating func fail(_ chain: [Signature], _ failure: CanvasFailure, _ makeID: () -> String) {
        var steps = chain
        while !steps.isEmpty {
            let step = steps.removeFirst()
            fail(step, failure, makeID)
            // A chord's result is that of its body.
            if step.kind == .chord, let body = step.body { steps.append(body) }
        }
    }

    mutating func fail(_ step: Signature, _ failure: CanvasFailure, _ makeID: () -> String) {
        guard let id = step.taskID, !failures.contains(where: { $0.taskID == id }) else { return }
        var meta = ResultMeta(taskID: id, .failure, exception: failure.exception, now: failure.now)
        meta.traceback = failure.traceback
        meta.groupID = step.options["group_id"]?.stringValue
        meta.parentID = step.options["parent_id"]?.stringValue
        failures.append(meta)
        if let part = step.part(id: id, failure.exception, claim: makeID()) { parts.append(part) }
    }
}

extension Canvas {
    /// What follows when a chord's body cannot run: it and the rest of its chain fail, and its errbacks are sent.
    package func failure(of body: Signature, _ exception: TaskException, now: Int64) throws(CeleryError) -> CanvasPlan {
        var plan = CanvasPlan()
        let failure = CanvasFailure(exception: exception, now: now)
        let bodies = body.kind == .group ? body.members : [body]
        let shared = body.kind == .group ? try body.errbacks() : []
        for var body in bodies {
            if body.taskID == nil { body.taskID = makeID() }
            let id = body.taskID ?? ""
            plan.fail(body, failure, makeID)
            plan.steps += try errbacks(try body.errbacks() + shared, of: id, root: id, now)
            plan.fail(body.kind == .chain ? body.members : [], failure, makeID)
        }
        plan.fail(try Signature.list(body.options["chain"], "chain"), failure, makeID)
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
