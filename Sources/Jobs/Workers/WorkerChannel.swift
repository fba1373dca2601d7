/// What running work tells its starter with. Neither function ever blocks or throws.
public struct WorkerChannel: Sendable {
    private let sendProgress: @Sendable ([UInt8]) -> Void
    private let sendProps: @Sendable ([UInt8]) -> Void

    /// Makes a channel from two functions, for work that runs without a worker process, as in tests.
    ///
    /// - Parameters:
    ///   - progress: Takes each progress.
    ///   - setProps: Takes each list of properties.
    public init(
        progress: @escaping @Sendable ([UInt8]) -> Void,
        setProps: @escaping @Sendable ([UInt8]) -> Void
    ) {
        sendProgress = progress
        sendProps = setProps
    }

    /// Tells the progress. In a worker process at most one goes out each 10 ms, and only the newest counts.
    ///
    /// - Parameter body: JSON text.
    public func progress(_ body: [UInt8]) {
        sendProgress(body)
    }

    /// Sets properties. In a worker process they are collected in order and go out together each 10 ms; of two values for
    /// the same id and property only the newer goes out, but Patches are all kept. Work that sets more than 64 MB before
    /// they could go out is cancelled and fails as too large.
    ///
    /// - Parameter body: JSON text, an array of `[id, property, value]`. Anything else is passed on as it is.
    public func setProps(_ body: [UInt8]) {
        sendProps(body)
    }
}
