public import DashJSON

/// Makes a JSON object as Python's `dict` does: `dict(t: 20, b: 40)`.
///
/// Takes any number of named values of any encodable types, variables too, which a JSON literal does not; nil becomes
/// `null`. Members keep the order written.
@dynamicCallable
public struct DictMaker: Sendable {
    /// Makes the object; call the maker itself instead: `dict(t: 20)`.
    public func dynamicallyCall(
        withKeywordArguments members: KeyValuePairs<String, (any JSONEncodable)?>
    ) -> JSON {
        .object(JSONObject(named: members))
    }
}

/// Makes a JSON object as Python's `dict` does: `dict(range: [0, total], visible: true)`.
public let dict = DictMaker()

extension JSONObject {
    /// Makes an object of named values; of two of one name the last wins.
    init(named members: KeyValuePairs<String, (any JSONEncodable)?>) {
        self.init()
        reserveCapacity(members.count)
        for (key, value) in members { self[key] = value?.json ?? .null }
    }
}
