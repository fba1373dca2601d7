import DashJSON
import Testing

@Suite("canonical text")
struct CanonicalTests {
    func canonical(_ value: JSON) -> String {
        String(decoding: value.canonical(), as: UTF8.self)
    }

    @Test("members are sorted by the bytes of their names at every level")
    func sortsMembers() {
        let value: JSON = ["b": [["z": 1, "Z": 2]], "a": nil, "é": 3, "e": 4, "aa": 5, "": 6]
        #expect(canonical(value) == #"{"":6,"a":null,"aa":5,"b":[{"Z":2,"z":1}],"e":4,"é":3}"#)
    }

    @Test("equal numbers have the same text")
    func numbers() {
        #expect(canonical([1.0, -0.0, 1e18, 0.1, .double(.nan)]) == "[1,0,1000000000000000000,0.1,null]")
        #expect(canonical(.double(1e18)) == canonical(.int(1_000_000_000_000_000_000)))
        #expect(canonical(.double(1e300)) == "1e+300")
    }

    @Test("random values and their shuffled copies have the same text")
    func shuffled() throws {
        var generator = SeededGenerator(state: 11)
        for _ in 0..<300 {
            let value = JSON.object(generator.object(depth: 4))
            let copy = shuffledCopy(value, &generator)
            #expect(copy == value)
            #expect(copy.hashValue == value.hashValue)
            #expect(copy.canonical() == value.canonical())
            #expect(try JSON(parsing: value.canonical()) == value)
        }
    }

    private func shuffledCopy(_ value: JSON, _ generator: inout SeededGenerator) -> JSON {
        switch value {
        case .int(let int): Double(exactly: int).map(JSON.double) ?? value
        case .array(let elements): .array(elements.map { shuffledCopy($0, &generator) })
        case .object(let object):
            .object(
                JSONObject(object.shuffled(using: &generator).map { ($0.key, shuffledCopy($0.value, &generator)) })
            )
        default: value
        }
    }
}
