public import DashJSON

/// Makes traces of one type: `go.Bar(x: [1, 2, 3], name: "a")`.
///
/// Takes any number of named values of any encodable types; the names are those of Plotly's reference. nil leaves the
/// member out.
@dynamicCallable
public struct TraceMaker: Sendable {
    /// Plotly's name of the type, for example `bar`.
    public let type: String

    /// Makes a maker for a type that `go` does not have.
    public init(type: String) {
        self.type = type
    }

    /// Makes a trace; call the maker itself instead: `go.Bar(y: [1])`.
    public func dynamicallyCall(
        withKeywordArguments members: KeyValuePairs<String, (any JSONEncodable)?>
    ) -> Trace {
        var object: JSONObject = ["type": .string(type)]
        object.reserveCapacity(members.count + 1)
        for (key, value) in members { object[key] = value?.json }
        return Trace(object)
    }
}
