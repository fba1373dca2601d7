/// File names that carry a version, so that a browser may keep the file for good.
///
/// `react@18.3.1.min.js` becomes `react@18.v4_4_1m1700000000.3.1.min.js`: the mark goes in after the first dot.
enum Fingerprint {
    /// The path with a mark.
    ///
    /// - Parameters:
    ///   - path: A path whose last part has a dot; one without is returned as it is.
    ///   - version: The version of the suite.
    ///   - time: The number that stands for the file's time.
    static func mark(_ path: String, version: String, time: UInt32) -> String {
        let start = startOfName(in: path)
        guard let dot = path[start...].firstIndex(of: ".") else { return path }
        let version = String(version.unicodeScalars.map { isWord($0) ? Character($0) : "_" })
        return "\(path[..<dot]).v\(version)m\(time)\(path[dot...])"
    }

    /// The path without its mark, and whether it had one.
    static func parse(_ path: String) -> (path: String, isMarked: Bool) {
        let start = startOfName(in: path)
        let parts = path[start...].split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count > 2, isMark(parts[1]) else { return (path, false) }
        let name = ([parts[0]] + parts[2...]).joined(separator: ".")
        return (path[..<start] + name, true)
    }

    private static func startOfName(in path: String) -> String.Index {
        path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex
    }

    /// Whether a part is `v`, a version, `m` and hexadecimal digits.
    private static func isMark(_ part: Substring) -> Bool {
        guard part.first == "v", let end = part.lastIndex(of: "m") else { return false }
        let version = part[part.index(after: part.startIndex)..<end]
        let time = part[part.index(after: end)...]
        return !version.isEmpty && version.unicodeScalars.allSatisfy(isWord)
            && !time.isEmpty && time.utf8.allSatisfy(isHexadecimal)
    }

    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "_", "-": true
        default: false
        }
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }
}
