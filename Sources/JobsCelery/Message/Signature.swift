import DashJSON

/// A task that is to be sent later, as it travels inside a message: a chain's step, a callback, a chord's body.
///
/// All its members are kept as they came, so that one of another program goes on unchanged.
struct Signature: Sendable, Hashable, JSONEncodable {
    private var fields: JSONObject

    /// A signature of a task.
    init(
        task: String,
        arguments: [JSON] = [],
        keywords: JSONObject = JSONObject(),
        options: JSONObject = JSONObject(),
        isImmutable: Bool = false
    ) {
        fields = [
            "task": .string(task),
            "args": .array(arguments),
            "kwargs": .object(keywords),
            "options": .object(options),
            "subtask_type": nil,
            "immutable": .bool(isImmutable),
        ]
    }

    /// Reads a signature; `place` names where it stands, for the sentence of the error.
    init(_ json: JSON, _ place: String) throws(CeleryError) {
        guard let members = json.objectValue, let task = members["task"]?.stringValue, !task.isEmpty else {
            throw .malformed("\(place) is \(json.excerpt), not a signature with the name of a task.")
        }
        for (name, isRight) in Self.shapes {
            if let value = members[name], !value.isNull, !isRight(value) {
                throw .malformed("\(place), the signature of \(task), has \(value.excerpt) as \(name).")
            }
        }
        fields = members
    }

    /// The registered name of the task.
    var task: String { fields["task"]?.stringValue ?? "" }

    /// The positional arguments.
    var arguments: [JSON] {
        get { fields["args"]?.arrayValue ?? [] }
        set { fields["args"] = .array(newValue) }
    }

    /// The named arguments.
    var keywords: JSONObject {
        get { fields["kwargs"]?.objectValue ?? JSONObject() }
        set { fields["kwargs"] = .object(newValue) }
    }

    /// How to send it: `task_id`, `queue`, `link`, `countdown` and so on.
    var options: JSONObject {
        get { fields["options"]?.objectValue ?? JSONObject() }
        set { fields["options"] = .object(newValue) }
    }

    /// `group`, `chain` or `chord` for those of Celery's own; nil for a plain task.
    var subtaskType: String? {
        get { fields["subtask_type"]?.stringValue }
        set { fields["subtask_type"] = .text(newValue) }
    }

    /// Whether the result before it is not put in front of its arguments.
    var isImmutable: Bool { fields["immutable"]?.boolValue ?? false }

    /// The id it is to have; nil lets the sender choose.
    var taskID: String? {
        get { options["task_id"]?.stringValue }
        set { options["task_id"] = newValue.map { .string($0) } }
    }

    var json: JSON { .object(fields) }

    func encode(to writer: inout JSONWriter) { fields.encode(to: &writer) }

    private static let shapes: [(String, @Sendable (JSON) -> Bool)] = [
        ("args", { $0.arrayValue != nil }),
        ("kwargs", { $0.objectValue != nil }),
        ("options", { $0.objectValue != nil }),
    ]
}

extension Signature {
    /// Reads null, a list of signatures, or one alone.
    static func list(_ json: JSON?, _ place: String) throws(CeleryError) -> [Signature] {
        switch json {
        case nil, .null: return []
        case .object?: return [try Signature(json ?? nil, place)]
        case .array(let elements)?:
            var signatures: [Signature] = []
            for (number, element) in elements.enumerated() {
                signatures.append(try Signature(element, "\(place)[\(number)]"))
            }
            return signatures
        case let other?: throw .malformed("\(place) is \(other.excerpt), not a list of signatures.")
        }
    }

    /// A list of signatures as it travels: null when there are none.
    static func json(_ signatures: [Signature]) -> JSON {
        signatures.isEmpty ? .null : .array(signatures.map(\.json))
    }
}
