#if canImport(Darwin)
internal import Darwin
#else
internal import Glibc
#endif

/// Calls `body` with an array of C strings that ends with a null pointer.
package func withCStrings<Result>(
    _ strings: [String],
    _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    var copies: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) } + [nil]
    defer { for copy in copies { free(copy) } }
    return copies.withUnsafeMutableBufferPointer { buffer in
        // The array has at least its null pointer, so it has an address.
        body(UnsafePointer(buffer.baseAddress!))
    }
}
