public import DashJSON

/// Translates between a site's private payloads and the plain JSON that other programs exchange with it.
public protocol JobCodec: Sendable {
    /// Splits a payload for a message: the public arguments, an array, and the private rest.
    func encode(payload: [UInt8], of job: String) throws -> (arguments: RawJSON, extra: RawJSON)

    /// Restores the payload of a message, or creates one for a call by another program.
    ///
    /// - Parameters:
    ///   - job: The job's name in this program.
    ///   - arguments: The positional arguments, an array.
    ///   - kwargs: The named arguments, an object.
    ///   - extra: The private rest from ``encode(payload:of:)``; nil for a call by another program.
    /// - Throws: An error with a message for the caller if the arguments do not fit the job.
    func payload(of job: String, arguments: RawJSON, kwargs: RawJSON, extra: RawJSON?) throws -> [UInt8]

    /// The value of a job's result that other programs get.
    func value(ofResult result: [UInt8], of job: String) throws -> RawJSON

    /// The result for the value that another program's task returned.
    ///
    /// - Throws: An error with a message if the value does not fit the job's outputs.
    func result(ofValue value: RawJSON, of job: String) throws -> [UInt8]

    /// The progress that a page shows for another program's progress metadata; empty if the format is unknown.
    func progress(ofMeta meta: RawJSON, of job: String) -> [PropertyValue]
}

/// Passes everything through: the payload is the only argument, and a result is its own value.
public struct PlainJobCodec: JobCodec {
    /// Creates the codec.
    public init() {}

    /// An array with the payload; an empty payload results in an empty array.
    public func encode(payload: [UInt8], of job: String) -> (arguments: RawJSON, extra: RawJSON) {
        let inner = [UInt8(ascii: "[")] + payload + [UInt8(ascii: "]")]
        return (RawJSON(unchecked: inner), RawJSON(unchecked: Array("{}".utf8)))
    }

    /// The text between the array's brackets.
    public func payload(of job: String, arguments: RawJSON, kwargs: RawJSON, extra: RawJSON?) -> [UInt8] {
        Array(arguments.bytes.dropFirst().dropLast())
    }

    /// The result itself; an empty one is null.
    public func value(ofResult result: [UInt8], of job: String) -> RawJSON {
        RawJSON(unchecked: result.isEmpty ? Array("null".utf8) : result)
    }

    /// The value itself.
    public func result(ofValue value: RawJSON, of job: String) -> [UInt8] { value.bytes }

    /// Nothing.
    public func progress(ofMeta meta: RawJSON, of job: String) -> [PropertyValue] { [] }
}
