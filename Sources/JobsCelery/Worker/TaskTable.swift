import DashJSON
import Jobs

/// The tasks that a worker can run.
struct TaskTable: Sendable {
    /// By their names on the queue.
    private let tasks: [String: JobDefinition]
    private let jobs: [String: JobDefinition]

    init(_ jobs: [JobDefinition]) {
        tasks = Dictionary(jobs.map { ($0.taskName, $0) }) { first, _ in first }
        self.jobs = Dictionary(jobs.map { ($0.name, $0) }) { first, _ in first }
    }

    /// The names on the queue, sorted.
    var names: [String] { tasks.keys.sorted() }

    /// What runs a task of a name on the queue.
    subscript(task name: String) -> JobDefinition? { tasks[name] }

    /// The job of a name in this program.
    subscript(job name: String) -> JobDefinition? { jobs[name] }
}
