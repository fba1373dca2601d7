import DequeModule

/// The tasks that wait for a worker, oldest first.
struct TaskQueue: Sendable {
    /// A waiting task and how often it lost its worker before it began.
    struct Entry: Sendable {
        var task: WorkerTask
        var restarts = 0
    }

    private var entries = Deque<Entry>()

    var count: Int { entries.count }

    var isEmpty: Bool { entries.isEmpty }

    mutating func append(_ task: WorkerTask) { entries.append(Entry(task: task)) }

    /// Puts a task back at the front.
    mutating func putBack(_ entry: Entry) { entries.prepend(entry) }

    mutating func popFirst() -> Entry? { entries.popFirst() }

    mutating func remove(_ id: String) -> WorkerTask? {
        entries.firstIndex { $0.task.id == id }.map { entries.remove(at: $0).task }
    }

    mutating func removeAll() -> [WorkerTask] {
        defer { entries = [] }
        return entries.map(\.task)
    }
}
