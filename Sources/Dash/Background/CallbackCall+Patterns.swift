import DashJSON

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
