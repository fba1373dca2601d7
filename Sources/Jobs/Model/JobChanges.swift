import DashJSON

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
