import Dash
import DashJSON

/// Applying responses to the page.
extension Renderer {
    /// Applies the response to a call's request.
    ///
    /// - Returns: The handle of the job to poll; nil if the call has ended.
    mutating func take(status: Int, body: JSON, text: String, of number: Int) -> String? {
        guard let running = running[number] else { return nil }
        if running.isReplaced {
            // As in a browser, whose script drops the response: what the later start has set stays.
            end(number, with: [:])
            return nil
        }
        if let job = running.job, jobs[job]?.isOutdated == true {
            jobs[job] = nil
            end(number, with: [:])
            return nil
        }
        switch status {
        case 200:
            if let job = keepsOn(body, running) { return job }
        case 204:
            complete(number)
            end(number, with: [:])
        default:
            complete(number)
            fail(number, .failed(graph.callbacks[running.call.callback], status: status, text: text))
        }
        return nil
    }

    /// Applies a successful response.
    ///
    /// - Returns: The handle of the job to poll; nil if the call has ended.
    private mutating func keepsOn(_ body: JSON, _ running: RunningCall) -> String? {
        let call = running.call
        if running.job == nil, let handle = body["job"].stringValue {
            self.running[call.number]?.job = handle
            jobs[handle] = Job(
                call: call.number,
                cancel: body["cancel"].arrayValue ?? [],
                progressDefault: body["progressDefault"].objectValue ?? [:],
                outputs: running.body["outputs"]
            )
        }
        apply(sideUpdate: body["sideUpdate"].objectValue ?? [:], of: call)
        apply(sideUpdate: body["progress"].objectValue ?? [:], of: call)
        if running.isBackground, body["response"].isNull { return self.running[call.number]?.job }
        complete(call.number)
        end(call.number, with: body["response"].objectValue ?? [:])
        return nil
    }

    /// Applies the result of a stand-in for a clientside function; nil for no update.
    mutating func take(standIn result: Result<JSON?, any Error>, of number: Int) {
        guard let running = running[number] else { return }
        switch result {
        case .failure(let error):
            let error =
                error as? TestError
                ?? TestError(
                    .callback,
                    "The stand-in for \(graph.callbacks[running.call.callback].title) failed",
                    cause: error
                )
            fail(number, error)
        case .success(nil): end(number, with: [:])
        case .success(let value?):
            let callback = graph.callbacks[running.call.callback]
            let values = callback.isMultiple ? value.arrayValue ?? [] : [value]
            var response = JSONObject()
            for ((output, refs), value) in zip(zip(callback.outputs, running.outputs), values) {
                let members = output.id.standsForList ? value.arrayValue ?? [] : [value]
                for (ref, value) in zip(refs, members) {
                    var properties = response[ref.id.text] ?? [:]
                    properties[ref.plainProperty] = value
                    response[ref.id.text] = properties
                }
            }
            end(number, with: response)
        }
    }

    /// Removes a call's job, and resets what was set while it ran.
    private mutating func complete(_ number: Int) {
        guard let running = running[number] else { return }
        let job = running.job.flatMap { jobs.removeValue(forKey: $0) }
        apply(sideUpdate: running.runningOff, of: running.call)
        apply(sideUpdate: job?.progressDefault ?? [:], of: running.call)
    }

    private mutating func fail(_ number: Int, _ error: TestError) {
        guard let running = running.removeValue(forKey: number), running.counts else { return }
        finished.append(FinishedCall(of: running.call, outputs: running.outputs))
        errors.append(error)
    }

    /// Completes a call with new values of its outputs.
    private mutating func end(_ number: Int, with response: JSONObject) {
        guard let running = running.removeValue(forKey: number), running.counts else { return }
        var updated: Set<PropertyRef> = []
        let patched: [(id: ComponentID, properties: [(name: String, value: JSON)])]
        do {
            patched = try response.map { text, values throws(TestError) in
                let id = try Self.id(ofText: text)
                return (id, try self.patched(values, of: id))
            }
        } catch {
            finished.append(FinishedCall(of: running.call, outputs: running.outputs))
            errors.append(error)
            return
        }
        let wanted = requested.count
        for (id, properties) in patched {
            updated.formUnion(properties.map { PropertyRef(id: id, property: $0.name) })
            put(properties, on: id)
        }
        for index in requested.indices.dropFirst(wanted) {
            requested[index].predecessors = running.call.predecessors + [running.call.callback]
        }
        finished.append(FinishedCall(of: running.call, outputs: running.outputs, updated: updated))
    }

    /// Sets outputs of a callback, and requests the calls that follow from changed inputs and from added or removed
    /// components.
    private mutating func put(_ properties: [(name: String, value: JSON)], on id: ComponentID) {
        let before = layout
        guard let path = layout.path(of: id) else { return notify(id, properties.map(\.name)) }
        for (name, value) in properties { layout.set(name, to: value, at: path) }
        for (name, _) in properties {
            requested += graph.calls(byInput: PropertyRef(id: id, property: name), in: before, .direct)
        }
        let holders = Set(layout.childrenPaths(of: layout[path]).map { String($0.prefix { !".[{".contains($0) }) })
        for (name, value) in properties where holders.contains(name) {
            let part = path + [.key("props"), .key(name)]
            layout.index(below: part)
            guard Self.isSearched(value) else { continue }
            let group = nextNumber()
            var search = CallbackGraph.LayoutSearch(part: part)
            requested += graph.calls(for: value, in: layout, search, group: group)
            search.layoutAfter = layout
            requested += graph.calls(for: before[part], in: before, search, group: group)
        }
        effects.append(.changed(id, properties: properties.map(\.name), isByCallback: true))
    }

    /// The new values, with patches applied to the current values.
    func patched(_ values: JSON, of id: ComponentID) throws(TestError) -> [(name: String, value: JSON)] {
        try (values.objectValue ?? [:]).map { name, value throws(TestError) in
            guard value.isPatch, let patch = try? Patch(json: value) else {
                return (name, value)
            }
            let ref = PropertyRef(id: id, property: name)
            guard let old = layout.value(ref) else {
                throw TestError(.callback, "The Patch of \(ref.text) has no value to change. Set one in the layout.")
            }
            return (name, patch.applied(to: old))
        }
    }
}

/// Values in addition to the outputs: of `running:`, progress and `setProps`.
extension Renderer {
    /// Sets properties by `{"id": {"property": value}}` or `{"id.property": value}`.
    mutating func apply(sideUpdate: JSONObject, of call: PageCall) {
        for (position, (text, value)) in sideUpdate.enumerated() {
            do {
                let (id, values) = try Self.target(text, value)
                let ids = try concrete(id, of: call, position: position)
                for id in ids { try set(values, on: id, of: call) }
            } catch {
                errors.append(error)
            }
        }
    }

    private static func target(_ text: String, _ value: JSON) throws(TestError) -> (ComponentID, JSON) {
        // The property follows the last dot; a pattern's text ends in a brace.
        if !text.hasSuffix("}"), let ref = PropertyRef(text: text), text.contains(".") {
            return (ref.id, .object([ref.property: value]))
        }
        return (try Self.id(ofText: text), value)
    }

    /// The components that match an id with wildcards in a call. `match` is taken from the changed input.
    private func concrete(_ id: ComponentID, of call: PageCall, position: Int) throws(TestError) -> [ComponentID] {
        guard id.hasWildcard else { return [id] }
        let changed = call.changed.map(\.ref.id)
        let reference = changed.indices.contains(position) ? changed[position] : changed.first
        if !id.matchKeys.isEmpty, reference == nil {
            throw TestError(
                .callback,
                """
                \(id.text) in running: or progress: has no meaning in an initial call, since no input has changed. \
                Set preventInitialCall: true.
                """
            )
        }
        return layout.places(like: id).map(\.id).filter { found in
            id.members.allSatisfy { key, value in
                guard let member = found.members[key] else { return false }
                switch value {
                case .match: return member == reference?.members[key]
                case .all: return true
                case .allSmaller: return member.order(beside: reference?.members[key]) < 0
                default: return member == value
                }
            }
        }
    }

    /// Parses an id in a response.
    private static func id(ofText text: String) throws(TestError) -> ComponentID {
        do {
            return try ComponentID(text: text)
        } catch {
            throw TestError(.callback, "The server's response has the invalid id \(text).", cause: error)
        }
    }

    /// Whether the renderer searches a value for components: not null, false, 0 and empty strings.
    private static func isSearched(_ value: JSON) -> Bool {
        switch value {
        case .null, .bool(false), .int(0), .string(""): false
        default: true
        }
    }

    private mutating func set(_ values: JSON, on id: ComponentID, of call: PageCall) throws(TestError) {
        guard let path = layout.path(of: id) else {
            if suppressesExceptions { return }
            let callback = graph.callbacks[call.callback].title
            throw TestError(
                .unknownComponent,
                "The callback of \(callback) sets properties of \(id.text), but the page has no component with this id."
            )
        }
        let properties = try patched(values, of: id)
        for (name, value) in properties { layout.set(name, to: value, at: path) }
        notify(id, properties.map(\.name))
        reindex(path, properties.map(\.name))
        effects.append(.changed(id, properties: properties.map(\.name), isByCallback: true))
    }
}
