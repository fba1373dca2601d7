/// The version of this package. `scripts/release` compares it with the version to tag.
package enum PackageVersion {
    package static let current = "0.1.0"
}
