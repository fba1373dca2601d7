import DashJSON
import Jobs
import Testing

@Suite("The key of a cached result")
struct CacheKeyTests {
    private static func key(
        name: String = "a",
        build: String = "b",
        version: String = "v",
        arguments: [JSON] = [1],
        by: [JSON] = [],
        scope: String = ""
    ) -> CacheKey {
        CacheKey(name: name, build: build, version: version, arguments: arguments, by: by, scope: scope)
    }

    @Test("is 64 digits and the same for the same inputs, in every process")
    func stable() {
        #expect(Self.key() == Self.key())
        #expect(Self.key().text.count == 64)
        // sha256sum of ["a","b","v",[1],[],""].
        #expect(Self.key().text == "547358f9b45e4fb2bcb371985b23c2f33d7e648949b9d810b16c96913a649046")
    }

    @Test("ignores the order of members and the notation of numbers")
    func canonical() throws {
        let first = try JSON(parsing: #"{"a":1,"b":[2.0]}"#)
        let second = try JSON(parsing: #"{"b":[2],"a":1.0}"#)
        #expect(Self.key(arguments: [first]) == Self.key(arguments: [second]))
    }

    @Test("depends on each part and on the boundaries between parts")
    func parts() {
        let keys = [
            Self.key(), Self.key(name: "x"), Self.key(build: "x"), Self.key(version: "x"), Self.key(arguments: [2]),
            Self.key(arguments: ["1"]), Self.key(arguments: [1, .null]), Self.key(arguments: []), Self.key(by: [1]),
            Self.key(arguments: [], by: [1]), Self.key(scope: "ann"), Self.key(name: "ab", build: ""),
            Self.key(name: "", build: "ab"), Self.key(name: #"a","b"#, build: ""),
        ]
        #expect(Set(keys).count == keys.count)
    }
}
