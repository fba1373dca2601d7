import ServiceLifecycle

/// Keeps messages safe in another place than the broker, for those whose tasks run longer than a broker waits for an
/// acknowledgement (RabbitMQ's `consumer_timeout`). A service.
protocol DeliveryKeeper: Service {
    /// Keeps a message, so that it goes back to its queue when this worker is lost. The broker's own delivery is
    /// acknowledged only after this.
    func keep(_ delivery: Delivery) async throws

    /// The task has ended.
    func release(_ delivery: Delivery, as settlement: Settlement) async throws
}

extension DeliveryKeeper {
    /// Nothing runs.
    func run() async throws { try? await gracefulShutdown() }
}
