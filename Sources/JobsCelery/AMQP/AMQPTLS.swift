#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// How a TLS connection to RabbitMQ is checked. The server's certificate and host name are checked unless told otherwise.
struct AMQPTLS: Sendable, Hashable {
    /// A file of the authorities that are trusted (PEM); without it the system's.
    var authorities: String?
    /// A file of our own certificate (PEM), for servers that ask for one.
    var certificate: String?
    /// A file of the certificate's key (PEM).
    var key: String?
    var verifies = true

    /// Takes an option of an address; false if it is none of TLS.
    mutating func take(option name: Substring, value: String) throws -> Bool {
        switch name {
        case "cacert", "cacertfile", "ssl_ca_certs": authorities = value
        case "cert", "certfile", "ssl_certfile": certificate = value
        case "key", "keyfile", "ssl_keyfile": key = value
        case "verify", "ssl_cert_reqs":
            switch value.lowercased() {
            case "none", "verify_none", "cert_none": verifies = false
            case "peer", "verify_peer", "cert_required", "required": verifies = true
            default: throw AMQPURL.error("wants \(name) to be peer or none")
            }
        default: return false
        }
        return true
    }

    /// The file of authorities to use: the one that was named, or the system's, wherever that keeps it.
    var authoritiesFile: String? {
        authorities ?? Self.systemFiles.first { access($0, R_OK) == 0 }
    }

    private static var systemFiles: [String] {
        let named = getenv("SSL_CERT_FILE").map { String(cString: $0) }
        return (named.map { [$0] } ?? []) + [
            "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
        ]
    }
}
