import Dash
import DashJSON

/// What a call is sent with.
extension Renderer {
    /// Starts a call whose turn has come, unless what it reads or writes is not on the page.
    mutating func start(_ call: PageCall) {
        var call = call
        call.number = nextNumber()
        let callback = graph.callbacks[call.callback]
        let outputs = graph.outputs(of: call, in: layout)
        do {
            guard let body = try body(of: call, callback, outputs) else { return }
            if callback.clientside != nil {
                startInBrowser(call, callback, body, outputs)
            } else {
                send(call, callback, body, outputs)
            }
        } catch {
            finished.append(FinishedCall(of: call, outputs: outputs))
            errors.append(error)
        }
    }

    private mutating func startInBrowser(
        _ call: PageCall,
        _ callback: PageCallback,
        _ body: JSON,
        _ outputs: [[PropertyRef]]
    ) {
        running[call.number] = RunningCall(call: call, body: body, outputs: outputs, isBackground: false)
        let slots = (body["inputs"].arrayValue ?? []) + (body["state"].arrayValue ?? [])
        let arguments = slots.map { slot in slot.arrayValue.map { .array($0.map { $0["value"] }) } ?? slot["value"] }
        let outputs = callback.outputs.map { PropertyRef(id: $0.id, property: $0.plainProperty).text }
        let function = callback.clientside ?? ""
        effects.append(.clientside(call.number, outputs: outputs, function: function, arguments: arguments))
    }

    private mutating func send(_ call: PageCall, _ callback: PageCallback, _ body: JSON, _ outputs: [[PropertyRef]]) {
        if callback.isBackground { replaceUnansweredStarts(of: call) }
        var entry = RunningCall(call: call, body: body, outputs: outputs, isBackground: callback.isBackground)
        entry.runningOff = callback.runningOff
        running[call.number] = entry
        let query = replacedJobs(body["outputs"]) + cancelledJobs(callback, call)
        apply(sideUpdate: callback.running, of: call)
        effects.append(
            .request(Outgoing(call: call.number, body: body, query: query, isBackground: callback.isBackground))
        )
    }

    /// Starts that have no job yet are not named in the query; the page drops their answers.
    private mutating func replaceUnansweredStarts(of call: PageCall) {
        for (number, other) in running where other.call.identity == call.identity && other.job == nil {
            running[number]?.isReplaced = true
        }
    }

    /// Jobs that were started for the same outputs count no more.
    private mutating func replacedJobs(_ outputs: JSON) -> String {
        var query = ""
        for handle in jobs.keys.sorted() where jobs[handle]?.outputs == outputs && !outputs.isNull {
            jobs[handle]?.isOutdated = true
            query += "&oldJob=\(handle)"
        }
        return query
    }

    /// Jobs that have an input of this callback as their cancel button.
    private mutating func cancelledJobs(_ callback: PageCallback, _ call: PageCall) -> String {
        let inputs = callback.inputs.map(\.ref.entry)
        var query = ""
        for (handle, job) in jobs.sorted(by: { $0.key < $1.key }) where job.cancel.contains(where: inputs.contains) {
            query += "&cancelJob=\(handle)"
            apply(sideUpdate: job.progressDefault, of: call)
        }
        return query
    }
}

// MARK: - The body

extension Renderer {
    /// The body of a call's request; nil if none of its inputs is on the page.
    private func body(
        of call: PageCall,
        _ callback: PageCallback,
        _ outputs: [[PropertyRef]]
    ) throws(TestError) -> JSON? {
        guard let inputs = try values(callback.inputs, graph.inputs(of: call, in: layout), callback, isInput: true)
        else {
            return nil
        }
        guard
            let targets = try targets(callback, outputs, hasInputs: inputs.contains { $0.arrayValue?.isEmpty != true })
        else { return nil }
        var body = JSONObject()
        body.append("output", .string(callback.output))
        if !callback.hasNoOutput {
            body.append("outputs", callback.isMultiple ? .array(targets) : targets.first ?? .null)
        }
        body.append("inputs", .array(inputs))
        body.append("changedPropIds", .array(call.changed.map { .string($0.ref.text) }))
        let parsed = call.changed.map { $0.ref.id.members.isEmpty ? .string($0.ref.text) : $0.ref.id.json }
        body.append("parsedChangedPropsIds", .array(parsed))
        if !callback.states.isEmpty {
            let refs = graph.states(of: call, in: layout)
            body.append("state", .array(try values(callback.states, refs, callback, isInput: false) ?? []))
        }
        return .object(body)
    }

    private func values(
        _ slots: [PageCallback.Slot],
        _ refs: [[PropertyRef]],
        _ callback: PageCallback,
        isInput: Bool
    ) throws(TestError) -> [JSON]? {
        var (values, problems, emptyLists): ([JSON], [TestError], Int) = ([], [], 0)
        for (slot, refs) in zip(slots, refs) {
            if slot.isList {
                values.append(.array(refs.map(entry)))
                emptyLists += refs.isEmpty ? 1 : 0
            } else if refs.count == 1 {
                values.append(entry(refs[0]))
            } else if refs.isEmpty, slot.isOptional {
                var value = slot.ref.entry
                value["allow_optional"] = true
                value["value"] = .null
                values.append(value)
            } else {
                problems.append(.misplaced(slot.ref, refs, isInput ? "input" : "state", of: callback))
            }
        }
        guard let problem = problems.first else { return values }
        if isInput, problems.count + emptyLists == slots.count { return nil }
        throw problem
    }

    private func entry(_ ref: PropertyRef) -> JSON {
        var entry = ref.entry
        if let value = layout.value(ref) { entry["value"] = value }
        return entry
    }

    /// The outputs of a request; nil for a call that has neither these nor inputs.
    private func targets(
        _ callback: PageCallback,
        _ outputs: [[PropertyRef]],
        hasInputs: Bool
    ) throws(TestError) -> [JSON]? {
        var targets: [JSON] = []
        for (output, refs) in zip(callback.outputs, outputs) {
            if output.id.standsForList {
                targets.append(.array(refs.map(\.entry)))
            } else if refs.count == 1 {
                targets.append(refs[0].entry)
            } else if hasInputs {
                throw .misplaced(output, refs, "output", of: callback)
            } else {
                return nil
            }
        }
        return targets
    }
}

extension TestError {
    fileprivate static func misplaced(
        _ ref: PropertyRef,
        _ found: [PropertyRef],
        _ role: String,
        of callback: PageCallback
    ) -> TestError {
        let what =
            found.isEmpty
            ? "its \(role) \(ref.text) is not on the page. Put a component with this id into the layout, "
                + "or say allowOptional: true for an input that may be missing"
            : "its \(role) \(ref.text) stands for several components: \(found.map(\.text).joined(separator: ", ")). "
                + "Use .all where a list is meant"
        return TestError(.callback, "The callback of \(callback.title) cannot run: \(what).")
    }
}

extension Renderer.FinishedCall {
    /// A call that ended with these properties updated.
    init(of call: PageCall, outputs: [[PropertyRef]], updated: Set<PropertyRef> = []) {
        self.init(group: call.group ?? 0, possible: Set(outputs.flatMap(\.self)), updated: updated)
    }
}
