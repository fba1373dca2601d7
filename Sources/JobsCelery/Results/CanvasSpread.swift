import DashJSON

/// What all tasks of one sending have in common.
struct CanvasContext: Sendable {
    var rootID: String
    var parentID: String
    /// The further steps, last one first; nil leaves what the signature says.
    var chain: [Signature]?
}

/// Turns signatures into messages: groups, chains and chords into those of their tasks that can be sent at once.
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
    /// - Parameter prefix: What is put in front of the arguments, unless it is immutable.
    /// - Returns: the result as Celery writes it among the children: `[[id, parent], null]`, or `[[id, null], [child, …]]`.
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
        // In a chord's header the tasks of a group count for that chord, which is open already.
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
        header.keywords["tasks"] = .array(members.map { $0.belonging(to: group).json })
        return try sendGroup(header, prefix: prefix, context)
    }

    /// What is said of a chain concerns its end or, everything else, its beginning.
    private static let ofLastStep: Set<String> = ["task_id", "group_id", "group_index", "chord"]
    private static let notOfFirstStep: Set<String> = [
        "task_id", "link", "link_error", "chain", "chord", "group_id", "group_index", "root_id", "parent_id",
    ]
    private static let notOfBody: Set<String> = [
        "task_id", "parent_id", "link", "link_error", "countdown", "eta", "chain",
    ]
}

extension Signature {
    /// The same in a chord's header: it counts for this chord and no other.
    fileprivate func belonging(to group: String) -> Signature {
        var signature = self
        signature.options["group_id"] = .string(group)
        return signature
    }
}
