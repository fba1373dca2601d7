import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import RedisClient

@Suite("Redis addresses")
struct RedisURLTests {
    @Test("an address has defaults")
    func defaults() throws {
        let url = try RedisURL("redis://")
        #expect(url.place == .host("localhost", port: 6379))
        #expect(url.database == 0 && url.user == nil && url.password == nil && url.tls == nil)
    }

    @Test("host, port, database, user and password are parsed")
    func parts() throws {
        let url = try RedisURL("redis://me:p%40ss%2F%3A@redis.example:6380/3")
        #expect(url.place == .host("redis.example", port: 6380))
        #expect(url.user == "me" && url.password == "p@ss/:" && url.database == 3)
        let passwordOnly = try RedisURL("redis://:secret@[::1]:7000")
        #expect(passwordOnly.place == .host("::1", port: 7000))
        #expect(passwordOnly.user == nil && passwordOnly.password == "secret")
    }

    @Test("Celery's options are parsed")
    func options() throws {
        #expect(try RedisURL("redis://h?virtual_host=5&health_check_interval=3").database == 5)
        let socket = try RedisURL("redis+socket:///run/redis.sock?virtual_host=2")
        #expect(socket.place == .socket(path: "/run/redis.sock") && socket.database == 2)
    }

    @Test("TLS verifies the certificate by default")
    func tls() throws {
        #expect(try RedisURL("rediss://h").tls?.verification == .full)
        #expect(try RedisURL("rediss://h?ssl_cert_reqs=CERT_NONE").tls?.verification == RedisURL.Verification.none)
        #expect(try RedisURL("rediss://h?ssl_check_hostname=false").tls?.verification == .withoutHostname)
        let own = try RedisURL(
            "rediss://h?ssl_cert_reqs=required&ssl_ca_certs=%2Fetc%2Fca.pem&ssl_certfile=c&ssl_keyfile=k"
        )
        #expect(own.tls == .init(verification: .full, authorities: "/etc/ca.pem", certificate: "c", privateKey: "k"))
    }

    @Test(
        "an invalid address throws an error without the password",
        arguments: [
            "localhost", "http://u:secret@h", "redis://u:secret@h:port", "redis://u:secret@h:99999",
            "redis://u:secret@h/one",
            "redis://u:secret@h/0?color=red", "redis://u:secret@h?ssl_cert_reqs=none",
            "rediss://u:secret@h?ssl_cert_reqs=maybe",
            "redis://u:secret@[::1", "redis://u:secret%@h", "redis+socket://",
        ]
    )
    func wrong(_ text: String) {
        let error = #expect(throws: CeleryError.self) { try RedisURL(text) }
        #expect(error?.code == .option)
        #expect(error?.description.contains("secret") == false)
    }

    @Test("descriptions do not contain the password")
    func shown() throws {
        let url = try RedisURL("rediss://me:secret@h:1/2")
        #expect("\(url)" == "rediss://h:1/2")
        var dumped = ""
        dump(RedisOptions(url, logger: .quiet), to: &dumped)
        #expect(!dumped.contains("secret") && !String(reflecting: url).contains("secret"))
    }
}
