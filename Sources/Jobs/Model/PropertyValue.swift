public import DashJSON

/// A value for one property of one component, as a job sends it to the page. Its JSON form is `[id, property, value]`.
public struct PropertyValue: Sendable, Hashable {
    /// The component's id as text: `a`, or the JSON text of a pattern id such as `{"index":1,"type":"x"}`.
    public var id: String
    /// The property's name in the browser, for example `children`.
    public var property: String
    /// The value, encoded.
    public var value: RawJSON

    /// Makes a value for a property.
    public init(id: String, property: String, value: RawJSON) {
        self.id = id
        self.property = property
        self.value = value
    }

    /// Whether ``value`` is a change to the present value (a Patch) and does not replace it: an object with a member
    /// `__dash_patch_update`, as for the browser.
    public var isPatch: Bool { value.isPatch }
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
    /// Reads what a worker sends as progress or properties: `[[id, property, value], …]`. Values are not parsed.
    ///
    /// - Parameter body: JSON text.
    /// - Returns: The values in order, or nil if the text has another form.
    public static func list(from body: [UInt8]) -> [PropertyValue]? {
        try? JSONScanner.read(body[...]) { scanner throws(JSONError) in
            var values: [PropertyValue] = []
            try scanner.elements { scanner throws(JSONError) in values.append(try PropertyValue(&scanner)) }
            return values
        }
    }

    /// Reads one `[id, property, value]`; nil if the text has another form.
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

/// What a job has sent to its page so far, merged: progress and properties, each change with its number.
public struct JobChanges: Sendable {
    /// The two sorts of change.
    enum Sort: Int, Sendable {
        case progress
        case props
    }

    private var progress = MergedValues()
    private var props = MergedValues()

    /// Nothing yet.
    public init() {}

    /// Whether nothing was sent.
    public var isEmpty: Bool { progress.isEmpty && props.isEmpty }

    /// What the changes take in memory, roughly.
    public var bytes: Int { progress.bytes + props.bytes }

    /// The progress that changed after a sequence, oldest change first.
    public func progress(after sequence: Int) -> [PropertyValue] { progress.after(sequence) }

    /// The properties that changed after a sequence, oldest change first.
    public func props(after sequence: Int) -> [PropertyValue] { props.after(sequence) }

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
    /// The form in which stores keep it: `[[sort, sequence, [id, property, value]], …]`, oldest change first.
    public func stored() -> [UInt8] {
        var writer = JSONWriter(capacity: bytes + 16)
        writer.byte(UInt8(ascii: "["))
        var isFirst = true
        for (sort, values) in [(Sort.progress, progress), (Sort.props, props)] {
            for (sequence, value) in values.numbered(after: -1) {
                if isFirst { isFirst = false } else { writer.byte(UInt8(ascii: ",")) }
                writer.byte(UInt8(ascii: "["))
                writer.int(sort.rawValue)
                writer.byte(UInt8(ascii: ","))
                writer.int(sequence)
                writer.byte(UInt8(ascii: ","))
                value.encode(to: &writer)
                writer.byte(UInt8(ascii: "]"))
            }
        }
        writer.byte(UInt8(ascii: "]"))
        return writer.bytes
    }

    /// Reads what ``stored()`` wrote; whatever has another form is left out.
    public init(stored: [UInt8]) {
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

/// The newest value of each property, or the value and the patches after it, each with the number of its change. So there is
/// no more than there are properties, and Patches.
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
    /// What the values take in memory, roughly.
    package private(set) var bytes = 0

    /// No values yet.
    package init() {}

    /// Whether it holds no values.
    package var isEmpty: Bool { changes.isEmpty }

    /// All values and patches, oldest first.
    package var values: [PropertyValue] { after(-1) }

    /// Takes values in the place of those before them, and patches in addition to them, in their order.
    package mutating func append(_ values: [PropertyValue]) {
        for value in values { merge(value, sequence: lastSequence + 1) }
    }

    /// Takes a value in the place of all before it, or a patch in addition to them.
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

    /// All changes after a sequence, oldest first.
    func after(_ sequence: Int) -> [PropertyValue] {
        numbered(after: sequence).map(\.value)
    }

    /// All changes after a sequence with their numbers, oldest first.
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

    /// Forgets patches that the page is known to have.
    mutating func dropPatches(through sequence: Int) {
        for (place, list) in changes where list.count > 1 {
            // The first is a value, or a patch that is as old as the page's knowledge of it.
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
