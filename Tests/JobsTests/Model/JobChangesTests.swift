import DashJSON
import Testing

@testable import Jobs

@Suite("The merged changes of a job")
struct JobChangesTests {
    private static let patch = RawJSON(unchecked: Array(#"{"__dash_patch_update":1}"#.utf8))

    private static func value(_ id: String, _ value: RawJSON) -> PropertyValue {
        PropertyValue(id: id, property: "x", value: value)
    }

    @Test("survive storing")
    func stored() {
        var changes = JobChanges()
        changes.merge(Self.value("a", RawJSON(1)), as: .progress, sequence: 1)
        changes.merge(Self.value("b", RawJSON("ü\"")), as: .props, sequence: 2)
        changes.merge(Self.value("b", Self.patch), as: .props, sequence: 3)
        changes.merge(Self.value("c", .null), as: .props, sequence: 4)
        let again = JobChanges(stored: changes.stored())
        for sequence in 0...4 {
            #expect(again.progress(after: sequence) == changes.progress(after: sequence))
            #expect(again.props(after: sequence) == changes.props(after: sequence))
        }
        #expect(again.bytes == changes.bytes)
        #expect(JobChanges(stored: []).isEmpty)
        #expect(JobChanges(stored: Array("no".utf8)).isEmpty)
    }

    @Test("do not grow when a value is replaced")
    func bounded() {
        var changes = JobChanges()
        changes.merge(Self.value("a", RawJSON(1)), as: .props, sequence: 1)
        let bytes = changes.bytes
        for sequence in 2..<1000 { changes.merge(Self.value("a", RawJSON(2)), as: .props, sequence: sequence) }
        #expect(changes.bytes == bytes)
        changes.merge(Self.value("a", Self.patch), as: .props, sequence: 1000)
        changes.merge(Self.value("a", RawJSON(2)), as: .props, sequence: 1001)
        #expect(changes.bytes == bytes)
        #expect(changes.props(after: 0).count == 1)
    }

    @Test("drop only patches that are known")
    func dropping() {
        var changes = JobChanges()
        changes.merge(Self.value("a", RawJSON(1)), as: .props, sequence: 1)
        for sequence in 2...5 { changes.merge(Self.value("a", Self.patch), as: .props, sequence: sequence) }
        changes.merge(Self.value("b", RawJSON(2)), as: .props, sequence: 6)
        changes.dropPatches(through: 3)
        #expect(changes.props(after: 0).map(\.id) == ["a", "a", "a", "b"])
        #expect(changes.props(after: 3).map(\.id) == ["a", "a", "b"])
    }
}
