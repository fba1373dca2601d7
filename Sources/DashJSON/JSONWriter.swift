/// Builds JSON text, straight from typed values to bytes.
///
/// The small steps (`byte`, `raw`) leave commas and brackets to the caller; `array(of:)` and `object` care for them.
public struct JSONWriter: ~Copyable {
    // Own memory rather than an array: an array would ask at each byte whether it is shared.
    @usableFromInline var memory: UnsafeMutableBufferPointer<UInt8>
    @usableFromInline var count = 0
    /// The first error of a value that could not be written and stands as `null`; nil while all went well.
    public private(set) var failure: (any Error)?

    /// Makes an empty writer with room for `capacity` bytes; it grows as needed.
    public init(capacity: Int = 256) {
        memory = capacity > 0 ? .allocate(capacity: capacity) : UnsafeMutableBufferPointer(start: nil, count: 0)
    }

    deinit {
        memory.deallocate()
    }

    /// A copy of what is written so far, in UTF-8.
    public var bytes: [UInt8] {
        Array(memory[..<count])
    }

    /// Writes one byte of JSON syntax as it is.
    @inlinable
    public mutating func byte(_ byte: UInt8) {
        if count == memory.count { grow(by: 1) }
        memory[count] = byte
        count &+= 1
    }

    /// Writes text as it is, without quotes and escapes: `raw(#"{"id":"#)`.
    @inlinable
    public mutating func raw(_ text: StaticString) {
        text.withUTF8Buffer { raw(bytes: $0) }
    }

    /// Writes bytes that are JSON already as they are.
    @inlinable
    public mutating func raw(bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { raw(bytes: $0) }
    }

    /// Writes bytes that are JSON already as they are.
    @inlinable
    public mutating func raw(bytes: ArraySlice<UInt8>) {
        bytes.withUnsafeBufferPointer { raw(bytes: $0) }
    }

    /// Writes bytes that are JSON already as they are.
    @inlinable
    public mutating func raw(bytes: UnsafeBufferPointer<UInt8>) {
        guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
        if memory.count &- count < bytes.count { grow(by: bytes.count) }
        memory.baseAddress?.advanced(by: count).initialize(from: source, count: bytes.count)
        count &+= bytes.count
    }

    /// Writes `null`.
    @inlinable
    public mutating func null() {
        raw("null")
    }

    /// Writes `null` for a value that cannot be written, and keeps the first such error as ``failure``.
    public mutating func fail(_ error: any Error) {
        failure = failure ?? error
        null()
    }

    /// Writes `true` or `false`.
    @inlinable
    public mutating func bool(_ value: Bool) {
        raw(value ? "true" : "false")
    }

    /// Makes room for `more` bytes, and for as many again as there are so that growing stays rare.
    @usableFromInline
    @inline(never)
    mutating func grow(by more: Int) {
        let larger = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(64, 2 * memory.count, count + more))
        _ = larger.moveInitialize(fromContentsOf: memory[..<count])
        memory.deallocate()
        memory = larger
    }
}
