import DashJSON

/// The body of a message of protocol 2, `[arguments, keywords, embedded]`, unpacked and cut into its parts.
struct MessageBody {
    var arguments: RawJSON
    var keywords: RawJSON
    /// Callbacks, errbacks, chain and chord; empty where the sender wrote null.
    var embedded: JSONObject

    /// Reads a body.
    ///
    /// - Throws: `CeleryError.contentType` for what is not accepted, `.malformed` for what is not as it must be.
    init(_ raw: RawTask) throws(CeleryError) {
        let text = try Self.text(of: raw)
        if TypedJSON.isMarked(text) {
            // Rare, and every typed value has to be known: the whole tree is looked at.
            try TypedJSON.check(Self.parse(text))
        }
        let parts = try Self.parts(of: text)
        guard parts.count == 3 else {
            throw .malformed("The body has \(parts.count) elements, not 3: [args, kwargs, embed].")
        }
        guard parts[0].first == UInt8(ascii: "[") else { throw Self.wrongArguments(parts[0]) }
        guard parts[1].first == UInt8(ascii: "{") else { throw Self.wrongKeywords(parts[1]) }
        arguments = RawJSON(unchecked: Array(parts[0]))
        keywords = RawJSON(unchecked: Array(parts[1]))
        embedded = try Self.embedded(Self.parse(Array(parts[2])))
    }

    /// Parses a JSON text of Python, in which not-a-number and infinite numbers may stand, read as null.
    static func parse(_ text: [UInt8]) throws(CeleryError) -> JSON {
        do {
            return try PythonJSON.parse(text)
        } catch {
            throw .malformed("The body is no JSON.", cause: error)
        }
    }

    /// Checks arguments that were parsed already.
    static func check(arguments: JSON, keywords: JSON) throws(CeleryError) {
        if arguments.arrayValue == nil { throw wrongArguments(Array(arguments.excerpt.utf8)[...]) }
        if keywords.objectValue == nil { throw wrongKeywords(Array(keywords.excerpt.utf8)[...]) }
        try TypedJSON.check(arguments)
        try TypedJSON.check(keywords)
    }

    private static func parts(of text: [UInt8]) throws(CeleryError) -> [ArraySlice<UInt8>] {
        do {
            guard let parts = try JSONScanner.elements(of: text[...]) else {
                throw CeleryError.malformed("The body is no array [args, kwargs, embed].")
            }
            return parts
        } catch let error as CeleryError {
            throw error
        } catch {
            throw .malformed("The body is no JSON.", cause: error)
        }
    }

    private static func embedded(_ json: JSON) throws(CeleryError) -> JSONObject {
        switch json {
        case .null: return JSONObject()
        case .object(let members): return members
        default: throw .malformed("The third element of the body is \(json.excerpt), not an object or null.")
        }
    }

    private static func wrongArguments(_ found: ArraySlice<UInt8>) -> CeleryError {
        .malformed("The arguments are \(excerpt(found)), not an array.")
    }

    private static func wrongKeywords(_ found: ArraySlice<UInt8>) -> CeleryError {
        .malformed("The named arguments are \(excerpt(found)), not an object.")
    }

    private static func excerpt(_ text: ArraySlice<UInt8>) -> String {
        String(decoding: text.prefix(60), as: UTF8.self)
    }
}
