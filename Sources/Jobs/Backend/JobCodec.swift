public import DashJSON

/// Translates between a site's payloads, which only the site reads, and the plain JSON that other programs send and see.
public protocol JobCodec: Sendable {
    /// Takes a payload apart for a message: the arguments that everybody may see, an array, and what else the job needs.
    func encode(payload: [UInt8], of job: String) throws -> (arguments: RawJSON, extra: RawJSON)

    /// Puts the payload of a message together again, or makes one for a call by another program.
    ///
    /// - Parameters:
    ///   - job: The job's name in this program.
    ///   - arguments: The positional arguments, an array.
    ///   - kwargs: The named arguments, an object.
    ///   - extra: What ``encode(payload:of:)`` gave, nil for a call by another program.
    /// - Throws: an error with a sentence for the caller, when the arguments do not fit the job.
    func payload(of job: String, arguments: RawJSON, kwargs: RawJSON, extra: RawJSON?) throws -> [UInt8]

    /// What another program gets as the value of a job's result.
    func value(ofResult result: [UInt8], of job: String) throws -> RawJSON

    /// The result of a job that another program ran and that gave this value.
    ///
    /// - Throws: an error with a sentence, when the value does not fit the job's outputs.
    func result(ofValue value: RawJSON, of job: String) throws -> [UInt8]

    /// What a page is shown of the progress that another program tells, an empty list where it cannot be understood.
    func progress(ofMeta meta: RawJSON, of job: String) -> [PropertyValue]
}

/// Passes everything through: the payload is the only argument, a result is its own value.
public struct PlainJobCodec: JobCodec {
    /// Makes the codec.
    public init() {}

    /// An array of the payload alone; an empty payload gives an empty array.
    public func encode(payload: [UInt8], of job: String) -> (arguments: RawJSON, extra: RawJSON) {
        let inner = [UInt8(ascii: "[")] + payload + [UInt8(ascii: "]")]
        return (RawJSON(unchecked: inner), RawJSON(unchecked: Array("{}".utf8)))
    }

    /// The text between the brackets.
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
