extension TaskInfo {
    /// What a held message's task is.
    init(_ task: HeldTask) {
        let message = task.message
        self.init(id: message.id, name: message.displayName, type: message.task)
        arguments = message.arguments
        keywords = message.keywords
        argumentsText = message.argumentsRepr ?? PythonRepr.ofArguments(message.arguments)
        keywordsText = message.keywordsRepr ?? PythonRepr.of(message.keywords)
        exchange = task.delivery.task.exchange
        routingKey = task.delivery.queue
        priority = message.priority
        isRedelivered = task.delivery.isRedelivered
        stamps = message.stamps
    }

    init(_ holding: Holding) {
        self.init(holding.task)
        started = holding.startedWall.map { Double($0) / 1000 }
        process = holding.process.map(Int.init)
        isAcknowledged = holding.isHandedOver
    }
}

extension ScheduledTask {
    init(_ task: HeldTask) {
        self.init(eta: ISO8601.text(task.message.eta ?? 0), task: TaskInfo(task))
    }
}
