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

    /// What this click on a cancel input calls a start of a callback that has not come yet.
    func lateName(of callback: Callback) -> String {
        let patterns = callback.wireOutputs.map(\.id)
        let clicked = context { _ in }.match
        let outputs = patterns.map { $0.matched(by: clicked) }
        let isRow =
            !clicked.isEmpty && patterns.contains { !$0.matchKeys.isEmpty } && !outputs.contains(where: \.hasWildcard)
        let texts = isRow ? outputs.map(\.text).joined(separator: "\n") : nil
        return RunningJobs.Place.lateName(callback: callback.id, outputs: texts)
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
