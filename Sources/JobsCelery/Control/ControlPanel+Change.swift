import DashJSON

extension ControlPanel {
    func rateLimit(_ arguments: ControlArguments) async throws -> JSON {
        try arguments.require("task_name", "rate_limit")
        let limit = try RateLimit.reading(arguments["rate_limit"])
        guard await worker.setRateLimit(limit, of: arguments.text("task_name") ?? "") else { return Self.unknownTask }
        // Celery looks at what was said, not at what it means: "0" is said to be a limit.
        let isLimit = arguments.isTrue("rate_limit")
        return Self.ok(isLimit ? "new rate limit set successfully" : "rate limit disabled successfully")
    }

    func timeLimit(_ arguments: ControlArguments) async throws -> JSON {
        let soft = arguments.number("soft")
        let hard = arguments.number("hard")
        guard await worker.setTimeLimit(soft: soft, hard: hard, of: arguments.text("task_name") ?? "") else {
            return Self.unknownTask
        }
        return Self.ok("time limits set successfully")
    }

    func resizePool(_ arguments: ControlArguments, sign: Int) async throws -> JSON {
        let count = arguments["n"].isNull ? 1 : arguments.wholeNumber("n")
        guard let count, (0...1_000).contains(count) else {
            throw PythonError.value("n must be a number of processes")
        }
        await worker.resizePool(by: sign * count)
        return Self.ok("pool will \(sign > 0 ? "grow" : "shrink")")
    }

    func addConsumer(_ arguments: ControlArguments) async throws -> JSON {
        try arguments.require("queue")
        let queue = arguments.text("queue") ?? ""
        try await worker.add(queue: queue)
        return Self.ok("add consumer \(queue)")
    }

    func cancelConsumer(_ arguments: ControlArguments) async throws -> JSON {
        try arguments.require("queue")
        let queue = arguments.text("queue") ?? ""
        try await worker.cancel(queue: queue)
        return Self.ok("no longer consuming from \(queue)")
    }

    func enableEvents(_ arguments: ControlArguments) throws -> JSON {
        try arguments.allowOnly()
        return Self.ok(events.enable() ? "task events enabled" : "task events already enabled")
    }

    func disableEvents(_ arguments: ControlArguments) throws -> JSON {
        try arguments.allowOnly()
        return Self.ok(events.disable() ? "task events disabled" : "task events already disabled")
    }

    func heartbeat(_ arguments: ControlArguments) throws -> JSON {
        try arguments.allowOnly()
        events.tell(.requestedHeartbeat)
        return .null
    }

    private static let unknownTask: JSON = ["error": "unknown task"]
}
