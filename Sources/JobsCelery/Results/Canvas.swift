import DashJSON
import Support

/// Works out what follows a task: the chain's next step, callbacks, errbacks, a chord's body. Sends nothing itself.
struct Canvas: Sendable {
    /// Which queue a task goes to.
    var routes: TaskRoutes
    /// Makes the ids of tasks and groups that have none.
    var makeID: @Sendable () -> String = { UniqueID.random().text }

    /// What follows the end of a task.
    ///
    /// - Parameter now: Milliseconds since 1970.
    /// - Throws: `CeleryError.malformed` for a signature that cannot be sent: the task is to fail then.
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

    /// What follows when all parts of a chord have ended: its body, or the body's failure.
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

    /// Several plain callbacks go as one group, as in Celery.
    private static func bundled(_ callbacks: [Signature]) -> [Signature] {
        guard callbacks.count > 1 else { return callbacks }
        let plain = callbacks.filter { $0.kind != .group }
        return callbacks.filter { $0.kind == .group } + (plain.isEmpty ? [] : [.group(plain)])
    }

    /// Errbacks as tasks, each with the failed task's id in front: what Celery does with those it does not know itself.
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

    /// The part of a chord that ends with a task; none if it is in no chord.
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
