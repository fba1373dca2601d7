import DashJSON

@testable import JobsCelery

/// Compares messages with Celery's, field by field.
enum Differences {
    /// The paths of the fields that differ, such as `pool.writes.total`.
    static func between(_ ours: JSON, _ recorded: JSON, at path: String = "") -> [String] {
        switch (ours, recorded) {
        case (.object(let left), .object(let right)):
            let missing = right.keys.filter { left[$0] == nil }
            return (left.keys + missing).flatMap { key in
                let place = path.isEmpty ? key : "\(path).\(key)"
                guard let ours = left[key], let theirs = right[key] else { return [place] }
                return between(ours, theirs, at: place)
            }
        case (.array(let left), .array(let right)) where left.count == right.count:
            return zip(left, right).enumerated().flatMap {
                between($0.element.0, $0.element.1, at: "\(path)[\($0.offset)]")
            }
        default: return ours == recorded ? [] : [path]
        }
    }

    /// The paths that are neither allowed nor inside an allowed one.
    static func unexpected(_ paths: [String], allowing allowed: [String]) -> [String] {
        paths.filter { path in
            !allowed.contains { path == $0 || path.hasPrefix($0 + ".") || path.hasPrefix($0 + "[") }
        }
    }
}
