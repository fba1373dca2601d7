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
