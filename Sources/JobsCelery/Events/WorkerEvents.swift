/// Where a worker tells about its tasks. Never waits; costs next to nothing while nobody listens.
protocol WorkerEvents: Sendable {
    /// Whether events about tasks are sent: who has to compute a text for one asks first.
    var isEnabled: Bool { get }

    /// Tells something about a task. While events are not enabled nothing is sent.
    func tell(_ event: @autoclosure () -> TaskEvent)
}
