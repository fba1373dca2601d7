/// A file of a suite that may be served, with what a response needs to say of it.
package struct SuiteFile: Sendable, Hashable {
    /// Where the file lies.
    package var diskPath: String
    /// Its length in bytes.
    package var size: Int
    /// Where its gzip form lies; nil if there is none.
    package var gzipPath: String?
    /// The length of the gzip form in bytes; 0 if there is none.
    package var gzipSize: Int
    /// The content type.
    package var contentType: String
    /// The strong entity tag, in quotes: the same on every server with the same lock.
    package var etag: String
    /// The strong entity tag of the gzip form, in quotes.
    package var gzipETag: String
    /// Whether the file was asked for by a name that carries its version.
    package var isFingerprinted: Bool

    /// What `Cache-Control` is to say: fingerprinted names are kept for good, others are asked for again each time.
    package var cacheControl: String {
        isFingerprinted ? "public, max-age=31536000, immutable" : "no-cache"
    }
}
