/// Paths at which apps are mounted: `/`, or parts between slashes.
enum MountPath {
    /// `path` with a slash at both ends; nil when it is no plain path.
    static func normalized(_ path: String) -> String? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: true)
        let isPlain = parts.allSatisfy { part in
            part != "." && part != ".."
                && part.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"?#%\\\"<>".utf8.contains($0) }
        }
        guard isPlain else { return nil }
        return parts.isEmpty ? "/" : "/" + parts.joined(separator: "/") + "/"
    }

    /// The name of an app mounted there: the path without its outer slashes, `app` for the root.
    static func name(of path: String) -> String {
        path == "/" ? "app" : String(path.dropFirst().dropLast())
    }
}
