import DashJSON
import Jobs

/// The arguments of a task.
struct TaskCall {
    let arguments: [JSON]
    let kwargs: JSONObject

    /// Reads a payload of ``CallCodec``.
    init(_ payload: [UInt8]) throws {
        let call = try JSON(parsing: payload)
        arguments = call[0].arrayValue ?? []
        kwargs = call[1].objectValue ?? [:]
    }

    /// The number at a position, or a default.
    func number(_ place: Int, default standard: Double) throws -> Double {
        guard place < arguments.count else { return standard }
        guard let number = arguments[place].doubleValue else {
            throw WorkerFailure(kind: .error, code: "TypeError", message: "Argument \(place) is not a number.")
        }
        return number
    }

    /// The text at a position.
    func text(_ place: Int) throws -> String {
        guard place < arguments.count, let text = arguments[place].stringValue else {
            throw WorkerFailure(kind: .error, code: "TypeError", message: "Argument \(place) is not a text.")
        }
        return text
    }
}

/// A payload is `[arguments, kwargs]`; results are passed on unchanged.
struct CallCodec: JobCodec {
    func encode(payload: [UInt8], of job: String) throws -> (arguments: RawJSON, extra: RawJSON) {
        let call = try JSON(parsing: payload)
        return (RawJSON(json: call[0]), RawJSON(json: [:]))
    }

    func payload(of job: String, arguments: RawJSON, kwargs: RawJSON, extra: RawJSON?) -> [UInt8] {
        Array("[".utf8) + arguments.bytes + Array(",".utf8) + kwargs.bytes + Array("]".utf8)
    }

    func value(ofResult result: [UInt8], of job: String) -> RawJSON {
        RawJSON(unchecked: result.isEmpty ? Array("null".utf8) : result)
    }

    func result(ofValue value: RawJSON, of job: String) -> [UInt8] { value.bytes }

    func progress(ofMeta meta: RawJSON, of job: String) -> [PropertyValue] { [] }
}
