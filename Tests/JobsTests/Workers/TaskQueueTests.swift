import Testing

@testable import Jobs

@Suite
struct TaskQueueTests {
    @Test("tasks are returned oldest first, also after removals and returns")
    func order() {
        var queue = TaskQueue()
        for id in ["a", "b", "c", "d"] { queue.append(WorkerTask(id: id, name: "")) }
        let first = queue.popFirst()
        #expect(first?.task.id == "a")
        #expect(queue.remove("c")?.id == "c")
        #expect(queue.remove("c") == nil)
        queue.append(WorkerTask(id: "c", name: ""))
        if let first { queue.putBack(first) }
        #expect(queue.count == 4)
        #expect(queue.removeAll().map(\.id) == ["a", "b", "d", "c"])
        #expect(queue.isEmpty)
    }

    @Test("each of many tasks is returned once")
    func many() {
        var queue = TaskQueue()
        for number in 0..<1000 { queue.append(WorkerTask(id: "\(number)", name: "")) }
        var ids: [String] = []
        for _ in 0..<500 { ids += queue.popFirst().map { [$0.task.id] } ?? [] }
        for number in 1000..<1500 { queue.append(WorkerTask(id: "\(number)", name: "")) }
        ids += queue.removeAll().map(\.id)
        #expect(ids == (0..<1500).map { "\($0)" })
    }
}
