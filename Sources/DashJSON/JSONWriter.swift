/// Builds JSON text, straight from typed values to bytes.
///
/// The small steps (`byte`, `raw`) leave commas and brackets to the caller; `array(of:)` and `object` care for them.
public struct JSONWriter: ~Copyable {
    /// What is written so far, in UTF-8.
    public var bytes: [UInt8]

    /// Makes an empty writer with room for `capacity` bytes; it grows as needed.
    public init(capacity: Int = 256) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    init(continuing bytes: consuming [UInt8]) {
        self.bytes = bytes
    }

    /// Writes one byte of JSON syntax as it is.
    @inlinable
    public mutating func byte(_ byte: UInt8) {
        bytes.append(byte)
    }

    /// Writes text as it is, without quotes and escapes: `raw(#"{"id":"#)`.
    @inlinable
    public mutating func raw(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    /// Writes bytes that are JSON already as they are.
    @inlinable
    public mutating func raw(bytes: [UInt8]) {
        self.bytes.append(contentsOf: bytes)
    }

    /// Writes bytes that are JSON already as they are.
    @inlinable
    public mutating func raw(bytes: ArraySlice<UInt8>) {
        self.bytes.append(contentsOf: bytes)
    }

    /// Writes bytes that are JSON already as they are.
    @inlinable
    public mutating func raw(bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes.append(contentsOf: bytes)
    }

    /// Writes `null`.
    @inlinable
    public mutating func null() {
        raw("null")
    }

    /// Writes `true` or `false`.
    @inlinable
    public mutating func bool(_ value: Bool) {
        raw(value ? "true" : "false")
    }
}
