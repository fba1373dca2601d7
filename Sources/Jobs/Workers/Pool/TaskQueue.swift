/// The tasks that wait for a worker, oldest first. Adding and taking take constant time, on average.
struct TaskQueue: Sendable {
    /// A waiting task and how often it lost its worker before it began.
    struct Entry: Sendable {
        var task: WorkerTask
        var restarts = 0
    }

    private var order: [String] = []
    private var head = 0
    private var entries: [String: Entry] = [:]

    /// How many wait.
    var count: Int { entries.count }

    /// Whether none waits.
    var isEmpty: Bool { entries.isEmpty }

    /// Whether this task waits.
    func contains(_ id: String) -> Bool { entries[id] != nil }

    /// Adds a task behind all others.
    mutating func append(_ task: WorkerTask) {
        order.append(task.id)
        entries[task.id] = Entry(task: task)
    }

    /// Puts a task back before all others.
    mutating func putBack(_ entry: Entry) {
        entries[entry.task.id] = entry
        if head > 0 {
            head -= 1
            order[head] = entry.task.id
        } else {
            order.insert(entry.task.id, at: 0)
        }
    }

    /// Takes the oldest.
    mutating func popFirst() -> Entry? {
        guard head < order.count else { return nil }
        let id = order[head]
        head += 1
        forgetTaken()
        return entries.removeValue(forKey: id)
    }

    /// Takes one out.
    mutating func remove(_ id: String) -> WorkerTask? {
        guard let entry = entries.removeValue(forKey: id) else { return nil }
        order.removeFirst(head)
        head = 0
        order.removeAll { $0 == id }  // A task of the same name may come again, so its old place must not stay.
        return entry.task
    }

    /// Takes all.
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
