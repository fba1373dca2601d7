public import DashJSON

/// A value for a property of a component, sent by a job to the page. Its JSON form is `[id, property, value]`.
public struct PropertyValue: Sendable, Hashable {
    /// The component's id as text: `a`, or the JSON of a pattern id such as `{"index":1,"type":"x"}`.
    public var id: String
    /// The property's name in the browser, for example `children`.
    public var property: String
    /// The encoded value.
    public var value: RawJSON

    /// Creates a property value.
    public init(id: String, property: String, value: RawJSON) {
        self.id = id
        self.property = property
        self.value = value
    }

    /// Whether ``value`` is a Patch, which modifies the current value: an object with a member `__dash_patch_update`.
    package var isPatch: Bool { value.isPatch }
}

extension PropertyValue: JSONEncodable {
    /// Writes `[id, property, value]`.
    public func encode(to writer: inout JSONWriter) {
        writer.byte(UInt8(ascii: "["))
        writer.string(id)
        writer.byte(UInt8(ascii: ","))
        writer.string(property)
        writer.byte(UInt8(ascii: ","))
        writer.raw(bytes: value.bytes)
        writer.byte(UInt8(ascii: "]"))
    }
}

extension PropertyValue {
    /// Parses progress or properties from a worker: `[[id, property, value], …]`. Values are not parsed.
    ///
    /// - Parameter body: JSON text.
    /// - Returns: The values in order, or nil if the text is not such a list.
    package static func list(from body: [UInt8]) -> [PropertyValue]? {
        try? JSONScanner.read(body[...]) { scanner throws(JSONError) in
            var values: [PropertyValue] = []
            try scanner.elements { scanner throws(JSONError) in values.append(try PropertyValue(&scanner)) }
            return values
        }
    }

    /// Parses one `[id, property, value]`; nil if the text has another form.
    init?(reading text: ArraySlice<UInt8>) {
        guard let value = try? JSONScanner.read(text, PropertyValue.init) else { return nil }
        self = value
    }

    private init(_ scanner: inout JSONScanner) throws(JSONError) {
        let parts = try scanner.elements()
        guard parts.count == 3, let id = try scanner.string(at: parts[0]),
            let property = try scanner.string(at: parts[1])
        else { throw scanner.unexpected("[id, property, value]") }
        self.init(id: id, property: property, value: RawJSON(unchecked: Array(scanner.text[parts[2]])))
    }
}

/// The merged progress and properties that a job has sent, each change with its number.
package struct JobChanges: Sendable {
    /// The two kinds of change.
    enum Sort: Int, Sendable {
        case progress
        case props
    }

    private var progress = MergedValues()
    private var props = MergedValues()

    /// Creates an empty collection.
    package init() {}

    /// Whether there are no changes.
    package var isEmpty: Bool { progress.isEmpty && props.isEmpty }

    /// The approximate size in memory.
    package var bytes: Int { progress.bytes + props.bytes }

    /// The progress that changed after a sequence, oldest change first.
    package func progress(after sequence: Int) -> [PropertyValue] { progress.after(sequence) }

    /// The properties that changed after a sequence, oldest change first.
    package func props(after sequence: Int) -> [PropertyValue] { props.after(sequence) }

    mutating func merge(_ value: PropertyValue, as sort: Sort, sequence: Int) {
        switch sort {
        case .progress: progress.merge(value, sequence: sequence)
        case .props: props.merge(value, sequence: sequence)
        }
    }

    mutating func dropPatches(through sequence: Int) {
        progress.dropPatches(through: sequence)
        props.dropPatches(through: sequence)
    }
}

extension JobChanges {
    /// The stored form: `[[sort, sequence, [id, property, value]], …]`, oldest change first.
    package func stored() -> [UInt8] {
        let all = [(Sort.progress, progress), (Sort.props, props)].flatMap { sort, values in
            values.numbered(after: -1).map { (sort: sort, sequence: $0.sequence, value: $0.value) }
        }
        var writer = JSONWriter(capacity: bytes + 16)
        writer.array(of: all) { change, writer in
            let parts: [any JSONEncodable] = [change.sort.rawValue, change.sequence, change.value]
            writer.array(of: parts) { $0.encode(to: &$1) }
        }
        return writer.bytes
    }

    /// Reads the form of ``stored()``; invalid entries are skipped.
    package init(stored: [UInt8]) {
        self.init()
        for element in (try? JSONScanner.elements(of: stored[...])) ?? [] {
            guard let parts = try? JSONScanner.elements(of: element), parts.count == 3,
                let sort = Int(String(decoding: parts[0], as: UTF8.self)).flatMap(Sort.init(rawValue:)),
                let sequence = Int(String(decoding: parts[1], as: UTF8.self)),
                let value = PropertyValue(reading: parts[2])
            else { continue }
            merge(value, as: sort, sequence: sequence)
        }
    }
}

/// The newest value of each property plus the patches after it, each with its change number. Its size is bounded by the
/// number of properties and patches.
package struct MergedValues: Sendable {
    private struct Change: Sendable {
        var sequence: Int
        var value: RawJSON
    }

    private struct Place: Hashable, Sendable {
        var id: String
        var property: String
    }

    private var changes: [Place: [Change]] = [:]
    private var lastSequence = 0
    /// The approximate size in memory.
    package private(set) var bytes = 0

    package init() {}

    package var isEmpty: Bool { changes.isEmpty }

    /// All values and patches, oldest first.
    package var values: [PropertyValue] { after(-1) }

    /// Replaces values and appends patches, in order.
    package mutating func append(_ values: [PropertyValue]) {
        for value in values { merge(value, sequence: lastSequence + 1) }
    }

    /// Replaces a value or appends a patch.
    mutating func merge(_ new: PropertyValue, sequence: Int) {
        lastSequence = max(lastSequence, sequence)
        let place = Place(id: new.id, property: new.property)
        let change = Change(sequence: sequence, value: new.value)
        bytes += Self.size(of: change, at: place)
        if new.isPatch {
            changes[place, default: []].append(change)
        } else {
            for old in changes.updateValue([change], forKey: place) ?? [] {
                bytes -= Self.size(of: old, at: place)
            }
        }
    }

    /// Changes after a sequence, oldest first.
    func after(_ sequence: Int) -> [PropertyValue] {
        numbered(after: sequence).map(\.value)
    }

    /// Changes after a sequence with their numbers, oldest first.
    func numbered(after sequence: Int) -> [(sequence: Int, value: PropertyValue)] {
        var found: [(sequence: Int, value: PropertyValue)] = []
        for (place, list) in changes {
            for change in list where change.sequence > sequence {
                let value = PropertyValue(id: place.id, property: place.property, value: change.value)
                found.append((change.sequence, value))
            }
        }
        return found.sorted { $0.sequence < $1.sequence }
    }

    /// Drops patches that the page has received.
    mutating func dropPatches(through sequence: Int) {
        for (place, list) in changes where list.count > 1 {
            // The first entry is always kept: it is a value, or the oldest patch.
            let kept = list.filter { $0.sequence > sequence || $0.sequence == list[0].sequence }
            guard kept.count < list.count else { continue }
            bytes -= list.reduce(0) { $0 + Self.size(of: $1, at: place) }
            bytes += kept.reduce(0) { $0 + Self.size(of: $1, at: place) }
            changes[place] = kept
        }
    }

    private static func size(of change: Change, at place: Place) -> Int {
        change.value.bytes.count + place.id.utf8.count + place.property.utf8.count + 96
    }
}
