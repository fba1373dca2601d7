import Foundation
import Jobs
import Testing

@Suite(.timeLimit(.minutes(2)))
struct PropsFloodTests {
    @Test("F21: of 10,000 values for 50 ids the last of each arrives, in order, in few messages")
    func flood() async throws {
        try await withPool { pool in
            let task = RunningTask(pool, "set-props", "10000")
            var values: [String: Int] = [:]
            var messages = 0
            for await update in task.updates {
                guard case .setProps(let body) = update else { continue }
                messages += 1
                for (id, value) in try entries(body) {
                    #expect(values[id, default: -1] < value, "the order per id is kept")
                    values[id] = value
                }
            }
            #expect(await task.outcome.text == "done")
            #expect(values == Dictionary(uniqueKeysWithValues: (0..<50).map { ("id-\($0)", 9950 + $0) }))
            #expect(messages < 1000)
        }
    }

    private func entries(_ body: [UInt8]) throws -> [(String, Int)] {
        let json = try JSONSerialization.jsonObject(with: Data(body)) as? [[Any]] ?? []
        return json.compactMap { entry in
            guard let id = entry[0] as? String, let value = entry[2] as? Int else { return nil }
            return (id, value)
        }
    }
}
