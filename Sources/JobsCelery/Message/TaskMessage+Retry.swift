extension TaskMessage {
    /// The message that tries the task again: the same task with one more retry, which has itself as its parent, as in
    /// Celery.
    ///
    /// - Parameter eta: Not before this time, in milliseconds since 1970; nil is at once.
    func again(eta: Int64?) -> TaskMessage {
        var message = self
        message.retries += 1
        message.eta = eta
        message.rootID = treeID
        message.parentID = id
        message.isRedelivered = false
        message.protocolVersion = 2
        return message
    }
}
