import Jobs

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Jobs that crash their process. Their operands come from the payload, so that the compiler cannot evaluate them.
let crashingJobs: [String: FixtureJob] = [
    "fatal": { _, _ in fatalError("boom: the user's own message") },
    "out-of-bounds": { task, _ in Array("\(element(task.payload.count + 3))".utf8) },
    "overflow": { task, _ in Array("\(sum(Int.max, task.payload.count + 1))".utf8) },
    "unwrap": { task, _ in Array("\(unwrapped(task.payload.isEmpty ? nil : task.payload.count))".utf8) },
    "stack-overflow": { task, _ in Array("\(recurse(task.payload.count))".utf8) },
    "exit": { task, _ in exit(Int32(task.number ?? 0)) },
    "abort": { _, _ in abort() },
    "kill-itself": { task, _ in
        kill(getpid(), Int32(task.number ?? 9))
        return []
    },
    "out-of-memory": { _, _ in fillMemory() },
]

@inline(never) private func element(_ index: Int) -> Int {
    let numbers = [1, 2, 3]
    return numbers[index]
}

@inline(never) private func sum(_ first: Int, _ second: Int) -> Int { first + second }

@inline(never) private func unwrapped(_ number: Int?) -> Int { number! }

/// Uses the result of each call, so that the compiler cannot turn the recursion into a loop.
@inline(never) private func recurse(_ depth: Int) -> Int {
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 8) { numbers in
        numbers.initialize(repeating: depth)
        numbers[depth & 7] = recurse(depth &+ 1)
        return numbers.reduce(0, &+)
    }
}

@inline(never) private func fillMemory() -> [UInt8] {
    var limit = rlimit(rlim_cur: 1 << 30, rlim_max: 1 << 30)
    setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
    var all: [[UInt8]] = []
    while all.count < 1 << 20 { all.append([UInt8](repeating: 1, count: 64 << 20)) }
    return all[0]
}
