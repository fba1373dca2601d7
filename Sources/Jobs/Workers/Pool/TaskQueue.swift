/// The tasks that wait for a worker, oldest first. Adding and taking are amortized O(1).
struct TaskQueue: Sendable {
    /// A waiting task and how often it lost its worker before it began.
    struct Entry: Sendable {
        var task: WorkerTask
        var restarts = 0
    }

    private var order: [String] = []
    private var head = 0
    private var entries: [String: Entry] = [:]

    var count: Int { entries.count }

    var isEmpty: Bool { entries.isEmpty }

    func contains(_ id: String) -> Bool { entries[id] != nil }

    /// Appends a task.
    mutating func append(_ task: WorkerTask) {
        order.append(task.id)
        entries[task.id] = Entry(task: task)
    }

    /// Puts a task back at the front.
    mutating func putBack(_ entry: Entry) {
        entries[entry.task.id] = entry
        if head > 0 {
            head -= 1
            order[head] = entry.task.id
        } else {
            order.insert(entry.task.id, at: 0)
        }
    }

    /// Removes the oldest task.
    mutating func popFirst() -> Entry? {
        guard head < order.count else { return nil }
        let id = order[head]
        head += 1
        forgetTaken()
        return entries.removeValue(forKey: id)
    }

    /// Removes one task.
    mutating func remove(_ id: String) -> WorkerTask? {
        guard let entry = entries.removeValue(forKey: id) else { return nil }
        order.removeFirst(head)
        head = 0
        order.removeAll { $0 == id }  // A task with the same id may be appended later.
        return entry.task
    }

    /// Removes all tasks.
    mutating func removeAll() -> [WorkerTask] {
        var tasks: [WorkerTask] = []
        while let entry = popFirst() { tasks.append(entry.task) }
        return tasks
    }

    private mutating func forgetTaken() {
        guard head > 64, head * 2 > order.count else { return }
        order.removeFirst(head)
        head = 0
    }
}
