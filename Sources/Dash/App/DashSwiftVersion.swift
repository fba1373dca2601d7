import Support

// Not `DashVersion`: documentation leaves out names that begin with the module's name and “Version”.
/// The version of dash-swift, for logs and reports.
public enum DashSwiftVersion {
    /// The version of this release, such as “0.1.0”; between releases, that of the last one. It follows
    /// [semantic versioning](https://semver.org) and has no leading “v”.
    public static let current = PackageVersion.current
}
