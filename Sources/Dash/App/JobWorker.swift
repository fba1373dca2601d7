import DashJSON
import Jobs

/// The side of a worker process: finds the callback of a job among the site's apps and runs it.
struct JobWorker: Sendable {
    let site: DashSite

    /// Runs jobs until the server ends this process.
    func serve() async -> Never {
        await WorkerProcess.serve { task, channel in try await run(task, channel) }
    }

    /// Runs one job.
    ///
    /// - Returns: the outcome as it is kept.
    /// - Throws: what the callback throws, ``DashError`` for a job that is none of ours.
    func run(_ task: WorkerTask, _ channel: WorkerChannel) async throws -> [UInt8] {
        guard let callback = site.backgroundCallback(ofJob: task.name) else {
            throw DashError(.invalidRequest, "This program has no background callback for the job \(task.name).")
        }
        let context = try CallbackContext(decoding: task.payload) { event in
            switch event {
            case .progress(let updates): channel.progress(Self.body(updates))
            case .setProps(let updates): channel.setProps(Self.body(updates))
            }
        }
        return try await callback.run(in: context).encoded.bytes
    }

    /// `[[id, property, value], …]`, as the job manager merges it.
    private static func body(_ updates: [PropertyUpdate]) -> [UInt8] {
        var writer = JSONWriter()
        writer.byte(UInt8(ascii: "["))
        for (position, update) in updates.enumerated() {
            if position > 0 { writer.byte(UInt8(ascii: ",")) }
            writer.byte(UInt8(ascii: "["))
            writer.string(update.ref.id.text)
            writer.byte(UInt8(ascii: ","))
            writer.string(update.ref.property)
            writer.byte(UInt8(ascii: ","))
            update.value.encode(to: &writer)
            writer.byte(UInt8(ascii: "]"))
        }
        writer.byte(UInt8(ascii: "]"))
        return writer.bytes
    }
}
