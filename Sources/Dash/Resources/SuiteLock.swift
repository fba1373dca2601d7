import Crypto
import Support

/// The wheels that must be installed, in pip's requirements format with hashes.
package struct SuiteLock: Sendable, Hashable {
    /// The wheels, in the order of the file.
    package internal(set) var wheels: [SuiteWheel]

    package init(wheels: [SuiteWheel]) {
        self.wheels = wheels
    }

    /// The suites this version of dash-swift is made for: `suites.lock`, compiled in.
    package static let pinned = SuiteLock(wheels: pinnedWheels)

    /// The pinned suites and those of an app's own manifests; of two wheels of one name the app's wins.
    package init(manifests: [SuiteManifest]) {
        self = .pinned
        for manifest in manifests {
            if let wheel = manifest.wheel { add(wheel) }
        }
    }

    /// Adds a wheel, in place of one of the same name.
    package mutating func add(_ wheel: SuiteWheel) {
        if let place = wheels.firstIndex(where: { $0.name == wheel.name }) {
            wheels[place] = wheel
        } else {
            wheels.append(wheel)
        }
    }

    /// The lock as lines of pip's requirements format.
    package var text: String {
        wheels.map { $0.requirement + "\n" }.joined()
    }

    /// A SHA-256 in hexadecimal digits that stands for the wheels, in whatever order they were named.
    package var digest: String {
        let lines = wheels.map { $0.requirement + "\n" }.sorted().joined()
        return Hexadecimal.text(SHA256.hash(data: Array(lines.utf8)))
    }

    /// The number that stands for a file's time in fingerprints: the same on every server with the same lock.
    package var fingerprintTime: UInt32 {
        UInt32(digest.prefix(8), radix: 16) ?? 0
    }
}

extension SuiteLock {
    /// Reads a lock.
    ///
    /// - Parameter text: pip's requirements format, with one SHA-256 and an exact version for each wheel.
    /// - Throws: `SuiteError` with code `.lock` that quotes the line that is not understood.
    package init(parsing text: String) throws(SuiteError) {
        wheels = []
        for line in Self.logicalLines(of: text) {
            wheels.append(try Self.wheel(from: line))
        }
    }

    /// The lines without comments and empty ones, those that end in a backslash joined with the next.
    private static func logicalLines(of text: String) -> [String] {
        var lines: [String] = []
        var pending = ""
        for line in text.split(whereSeparator: \.isNewline) where !line.drop(while: \.isWhitespace).hasPrefix("#") {
            pending += line
            if pending.hasSuffix("\\") {
                pending.removeLast()
            } else {
                lines.append(pending)
                pending = ""
            }
        }
        return (lines + [pending]).filter { !$0.allSatisfy(\.isWhitespace) }
    }

    private static func wheel(from line: String) throws(SuiteError) -> SuiteWheel {
        let words = line.split(whereSeparator: \.isWhitespace)
        let pin = words.first.map { Array($0.split(separator: "=", omittingEmptySubsequences: false)) } ?? []
        let prefix = "--hash=sha256:"
        guard words.count == 2, pin.count == 3, pin[1].isEmpty, !pin[0].isEmpty, words[1].hasPrefix(prefix) else {
            throw SuiteError(.lock, "The lock has a line that is not NAME==VERSION --hash=sha256:HASH.", cause: line)
        }
        let hash = words[1].dropFirst(prefix.count)
        guard hash.count == 64, hash.allSatisfy(\.isHexDigit) else {
            throw SuiteError(.lock, "The lock has a hash that is not 64 hexadecimal digits.", cause: line)
        }
        return SuiteWheel(name: String(pin[0]), version: String(pin[2]), sha256: hash.lowercased())
    }
}
