import Crypto
import Support

/// The wheels to install, in pip's requirements format with hashes.
package struct SuiteLock: Sendable, Hashable {
    /// The wheels, in the order of the file.
    package internal(set) var wheels: [SuiteWheel]

    package init(wheels: [SuiteWheel]) {
        self.wheels = wheels
    }

    /// The suites that this version supports: the built-in `suites.lock`.
    package static let pinned = SuiteLock(wheels: pinnedWheels)

    /// The pinned suites and those of an app's own manifests; the app's wheel replaces a pinned one of the same name.
    package init(manifests: [SuiteManifest]) {
        self = .pinned
        for manifest in manifests {
            if let wheel = manifest.wheel { add(wheel) }
        }
    }

    /// Adds a wheel; replaces one of the same name.
    package mutating func add(_ wheel: SuiteWheel) {
        if let place = wheels.firstIndex(where: { $0.name == wheel.name }) {
            wheels[place] = wheel
        } else {
            wheels.append(wheel)
        }
    }

    /// The lock in pip's requirements format.
    package var text: String {
        wheels.map { $0.requirement + "\n" }.joined()
    }

    /// The SHA-256 of the wheels in hexadecimal digits, independent of their order.
    package var digest: String {
        let lines = wheels.map { $0.requirement + "\n" }.sorted().joined()
        return Hexadecimal.text(SHA256.hash(data: Array(lines.utf8)))
    }

    /// The modification time used in fingerprints: the same on every server with the same lock.
    package var fingerprintTime: UInt32 {
        UInt32(digest.prefix(8), radix: 16) ?? 0
    }
}

extension SuiteLock {
    /// Reads a lock.
    ///
    /// - Parameter text: pip's requirements format, with an exact version and one SHA-256 per wheel.
    /// - Throws: `SuiteError` with code `.lock` that quotes the invalid line.
    package init(parsing text: String) throws(SuiteError) {
        wheels = []
        for line in Self.logicalLines(of: text) {
            wheels.append(try Self.wheel(from: line))
        }
    }

    /// The lines without comments and empty lines, with continuation lines joined.
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
