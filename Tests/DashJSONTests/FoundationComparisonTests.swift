import DashJSON
import Foundation
import Testing

@Suite("compared with Foundation")
struct FoundationComparisonTests {
    @Test("Foundation parses our texts to the same values", arguments: 0..<20)
    func writesWhatFoundationReads(seed: Int) throws {
        var generator = SeededGenerator(state: UInt64(seed))
        for _ in 0..<50 {
            let value = generator.json(depth: 5)
            for bytes in [value.serialized(), value.serialized(escapingHTML: true), value.canonical()] {
                let theirs = try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
                #expect(same(value, theirs), "\(value)")
                #expect(try JSON(parsing: bytes) == value)
            }
        }
    }

    @Test("we parse Foundation's texts to the same values", arguments: 100..<120)
    func readsWhatFoundationWrites(seed: Int) throws {
        var generator = SeededGenerator(state: UInt64(seed))
        for _ in 0..<50 {
            let value = generator.json(depth: 5)
            let theirs = try JSONSerialization.jsonObject(with: Data(value.serialized()), options: .fragmentsAllowed)
            let data = try JSONSerialization.data(withJSONObject: theirs, options: [.fragmentsAllowed, .prettyPrinted])
            #expect(try JSON(parsing: [UInt8](data)) == value)
        }
    }

    // Without "e" and ",": Foundation rejects numbers beyond Double and accepts a comma before a closing bracket.
    @Test("randomly broken texts are accepted or rejected alike", arguments: 200..<210)
    func agreesOnBrokenTexts(seed: Int) {
        var generator = SeededGenerator(state: UInt64(seed))
        for _ in 0..<200 {
            var bytes = generator.json(depth: 3).serialized()
            let place = Int.random(in: 0..<bytes.count, using: &generator)
            bytes[place] = Array(#"{}[]":0-1.+tn\ u"#.utf8).randomElement(using: &generator) ?? 0
            let theirs = try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
            let ours = try? JSON(parsing: bytes)
            let text = String(decoding: bytes, as: UTF8.self)
            #expect((ours == nil) == (theirs == nil), "\(text)")
        }
    }

    /// Whether Foundation's value is the same.
    private func same(_ value: JSON, _ theirs: Any) -> Bool {
        switch value {
        case .null: return theirs is NSNull
        case .bool(let bool): return theirs as? Bool == bool
        case .int(let int): return (theirs as? NSNumber)?.intValue == int
        // Foundation parses small and large numbers as `Decimal`, so doubles may be off by one.
        case .double(let double):
            return abs(((theirs as? NSNumber)?.doubleValue ?? .nan) - double) <= abs(double) * 1e-14
        case .string(let string): return (theirs as? String).map { $0.utf8.elementsEqual(string.utf8) } ?? false
        case .array(let elements):
            guard let theirs = theirs as? [Any], theirs.count == elements.count else { return false }
            return zip(elements, theirs).allSatisfy { same($0, $1) }
        case .object(let object):
            guard let theirs = theirs as? [String: Any], theirs.count == object.count else { return false }
            return object.allSatisfy { key, value in theirs[key].map { same(value, $0) } ?? false }
        }
    }
}
