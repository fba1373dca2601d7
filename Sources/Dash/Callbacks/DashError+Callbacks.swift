import DashJSON

extension DashError.Code {
    /// An id that is neither a text nor an object of constants.
    public static let invalidID = Self(description: "invalid-id")
    /// A value from the browser that is not of the type the callback asks for.
    public static let typeMismatch = Self(description: "type-mismatch")
    /// A request of the browser that does not fit the callback it names.
    public static let invalidRequest = Self(description: "invalid-request")
    /// What a callback returned does not fit its outputs.
    public static let wrongResult = Self(description: "wrong-result")
    /// A header or a cookie that an answer cannot have.
    public static let invalidHeader = Self(description: "invalid-header")
    /// Something of the starting request that was not sent along into a background job.
    public static let notInJob = Self(description: "not-in-job")
    /// Something of one user's request, asked for in a job whose result all users share.
    public static let notInSharedJob = Self(description: "not-in-shared-job")
}

extension DashError {
    static func invalidID(_ json: JSON) -> DashError {
        DashError(
            .invalidID,
            "\(json.excerpt) is no component id: it must be a text, or an object of texts, numbers and booleans."
        )
    }

    static func typeMismatch(_ expected: any Any.Type, _ found: JSON) -> DashError {
        DashError(.typeMismatch, "Expected \(expected), found \(found.excerpt).")
    }
}

extension JSON {
    /// The beginning of the value's text, for messages.
    var excerpt: String { String(decoding: serialized().prefix(80), as: UTF8.self) }
}
