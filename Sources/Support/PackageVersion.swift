/// The version of this package. `scripts/release` compares it with the version it is to tag.
package enum PackageVersion {
    package static let current = "0.1.0"
}
