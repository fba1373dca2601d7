import DashJSON

extension Canvas {
    /// Makes the steps of a chain fail that wait for a task that failed, so that nobody waits for them for ever.
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

    /// What follows when the body of a chord cannot run: it fails, what waits for it fails, its errbacks are sent.
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
    /// The errbacks among its options.
    fileprivate func errbacks() throws(CeleryError) -> [Signature] {
        try Signature.list(options["link_error"], "link_error")
    }

    /// The part of a chord that ends with this task's failure.
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
