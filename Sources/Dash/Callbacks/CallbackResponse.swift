import DashJSON

/// An answer to a callback's request or poll, written straight to bytes (dash-protocol §6.3, §15.2).
struct CallbackResponse: Sendable {
    /// New values of outputs. `nil` leaves the member out, which tells the browser to go on polling; empty is an end.
    var response: [PropertyUpdate]?
    /// Values of `setProps`.
    var sideUpdate: [PropertyUpdate] = []
    /// Values of progress properties.
    var progress: [PropertyUpdate] = []
    /// What the progress properties become at the end.
    var progressDefault: [PropertyUpdate] = []
    /// The handle of the job that goes on; URL-safe, for the browser sends it back as it is.
    var job: String?
    /// The inputs that end the job.
    var cancel: [PropertyRef] = []

    /// The body of the answer.
    var bytes: [UInt8] {
        var writer = JSONWriter(capacity: capacity)
        writer.object { body in
            body.member("multi", true)
            if let job { body.member("job", job) }
            if !cancel.isEmpty { body.member("cancel", JSON.array(cancel.map(\.cancelEntry))) }
            if !progressDefault.isEmpty { body.member("progressDefault") { progressDefault.writeFlat(to: &$0) } }
            if !progress.isEmpty { body.member("progress") { progress.writeFlat(to: &$0) } }
            if !sideUpdate.isEmpty { body.member("sideUpdate") { sideUpdate.writeGrouped(to: &$0) } }
            if let response { body.member("response") { response.writeGrouped(to: &$0) } }
        }
        return writer.bytes
    }

    private var capacity: Int {
        [response ?? [], sideUpdate, progress, progressDefault].reduce(256) { sum, updates in
            updates.reduce(sum) { $0 + $1.value.bytes.count + 64 }
        }
    }
}

extension [OutputUpdate] {
    /// The values with the ids of a request; those of a list of components one for each.
    ///
    /// - Parameters:
    ///   - callback: Whose outputs these are.
    ///   - targets: The ids, from the request.
    /// - Throws: ``DashError`` with code `wrong-result` for a list of another length than that of the components.
    func resolved(for callback: Callback, targets: [CallbackRequest.Target]) throws -> [PropertyUpdate] {
        try flatMap { update -> [PropertyUpdate] in
            guard targets.indices.contains(update.index), !UpdateList.isSkip(update.value) else { return [] }
            let property = callback.outputs[update.index].ref.property
            switch targets[update.index] {
            case .one(let id):
                return [PropertyUpdate(ref: PropertyRef(id: id, property: property), value: update.value)]
            case .list(let ids):
                let values = try UpdateList.values(
                    update.value,
                    count: ids.count,
                    output: callback.outputs[update.index].ref
                )
                return zip(ids, values).compactMap { id, value in
                    value.map { PropertyUpdate(ref: PropertyRef(id: id, property: property), value: RawJSON(json: $0)) }
                }
            }
        }
    }
}

extension [PropertyUpdate] {
    /// Writes `{"id.property": value}`; of several values of one property the last counts.
    fileprivate func writeFlat(to writer: inout JSONWriter) {
        writer.object { object in
            for update in latest { object.member(update.ref.text, update.value) }
        }
    }

    /// Writes `{"id": {"property": value}}`; of several values of one property the last counts.
    fileprivate func writeGrouped(to writer: inout JSONWriter) {
        var updates = latest[...]
        writer.object { object in
            while let id = updates.first?.ref.id {
                let ofComponent = updates.filter { $0.ref.id == id }
                object.member(id.text) { writer in
                    writer.object { for update in ofComponent { $0.member(update.ref.property, update.value) } }
                }
                updates.removeAll { $0.ref.id == id }
            }
        }
    }

    /// One value for each property, in the order of their first values; patches are added to what was there.
    private var latest: [PropertyUpdate] {
        if count < 2 { return self }
        var places: [PropertyRef: Int] = [:]
        var result: [PropertyUpdate] = []
        for update in self {
            if let place = places[update.ref] {
                result[place].value = update.value.patching(result[place].value)
            } else {
                places[update.ref] = result.count
                result.append(update)
            }
        }
        return result
    }
}

extension PropertyRef {
    /// The browser compares this with the inputs of its callbacks, in which pattern ids are objects and not texts.
    fileprivate var cancelEntry: JSON { ["id": id.json, "property": .string(property)] }
}
