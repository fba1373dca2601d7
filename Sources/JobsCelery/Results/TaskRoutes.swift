import DashJSON

/// Which queue a signature goes to that names none.
struct TaskRoutes: Sendable, Hashable {
    /// The tasks of this program, by their names on the queue.
    var ownTasks: Set<String> = []
    /// Where this program's tasks go.
    var ownQueue = "dash"
    /// Where all others go: Celery's own default.
    var otherQueue = "celery"

    /// The queue that the signature names, else the one of its task.
    func queue(of signature: Signature) -> String {
        for option in ["queue", "routing_key"] {
            if let queue = signature.options[option]?.stringValue, !queue.isEmpty { return queue }
        }
        return ownTasks.contains(signature.task) ? ownQueue : otherQueue
    }
}
