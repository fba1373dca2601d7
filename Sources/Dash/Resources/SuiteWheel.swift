/// A published wheel, pinned by its hash: where the files of a component suite come from.
public struct SuiteWheel: Sendable, Hashable {
    /// The distribution's name, for example `dash-ag-grid`.
    public var name: String
    /// The exact version.
    public var version: String
    /// The SHA-256 of the wheel file as 64 lower-case hexadecimal digits.
    public var sha256: String

    /// Pins a wheel.
    ///
    /// - Parameters:
    ///   - name: The distribution's name.
    ///   - version: The exact version.
    ///   - sha256: The wheel file's SHA-256 as 64 lower-case hexadecimal digits.
    public init(name: String, version: String, sha256: String) {
        self.name = name
        self.version = version
        self.sha256 = sha256
    }

    /// The wheel as a line of pip's requirements format, with its hash.
    var requirement: String {
        "\(name)==\(version) --hash=sha256:\(sha256)"
    }
}
