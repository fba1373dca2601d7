import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import JobsRabbitMQ

@Suite("RabbitMQ addresses")
struct AMQPURLTests {
    @Test("The defaults are guest, guest, localhost, 5672 and /")
    func defaults() throws {
        let url = try AMQPURL("amqp://")
        #expect((url.user, url.password) == ("guest", "guest"))
        #expect((url.host, url.port, url.virtualHost) == ("localhost", 5672, "/"))
        #expect(url.tls == nil)
        #expect((url.heartbeat, url.connectTimeout) == (3, 5))
    }

    @Test(
        "The path without its first slash is the virtual host",
        arguments: [
            ("amqp://h", "/"), ("amqp://h/", "/"), ("amqp://h//", "/"), ("amqp://h/%2F", "/"),
            ("amqp://h/prod", "prod"),
            ("amqp://h/%2fprod", "/prod"), ("pyamqp://u:p@h:1//x", "/x"), ("amqp://h/a%20b?heartbeat=1", "a b"),
        ]
    )
    func virtualHosts(_ text: String, _ virtualHost: String) throws {
        #expect(try AMQPURL(text).virtualHost == virtualHost)
    }

    @Test("User, password, host and port, percent-encoded")
    func login() throws {
        let url = try AMQPURL("amqp://us%40er:p%3A%2Fw%25@[::1]:7/v?heartbeat=7&connect_timeout=2")
        #expect((url.user, url.password) == ("us@er", "p:/w%"))
        #expect((url.host, url.port, url.virtualHost) == ("::1", 7, "v"))
        #expect((url.heartbeat, url.connectTimeout) == (7, 2))
    }

    @Test("amqps uses verified TLS on port 5671, with the given files")
    func secure() throws {
        let url = try AMQPURL("amqps://h?cacert=/ca.pem&certfile=/c.pem&key=/k.pem")
        #expect(url.port == 5671)
        #expect(url.tls == AMQPTLS(authorities: "/ca.pem", certificate: "/c.pem", key: "/k.pem", verifies: true))
        #expect(try AMQPURL("amqps://h?verify=none").tls?.verifies == false)
    }

    @Test("Descriptions do not contain the password")
    func secret() throws {
        let url = try AMQPURL("amqp://user:s3cret@h/v")
        var dumped = ""
        dump(url, to: &dumped)
        for shown in ["\(url)", String(describing: url), String(reflecting: url), dumped, "\(Optional(url) as Any)"] {
            #expect(!shown.contains("s3cret"))
        }
        #expect("\(url)" == "amqp://user:**@h:5672/v")
    }

    @Test(
        "An invalid address throws an error without the password",
        arguments: [
            "localhost", "http://h", "amqp://u:pw1@h:port/", "amqp://u:pw1@h:0", "amqp://u:pw1%zz@h",
            "amqp://h?heartbeat=x",
            "amqp://h?no_such=1", "amqp://h?cacert=/x", "amqp://a;amqp://b", "amqps://h?verify=perhaps",
        ]
    )
    func errors(_ text: String) {
        #expect {
            try AMQPURL(text)
        } throws: { error in
            guard let error = error as? CeleryError else { return false }
            return error.code == .option && !error.description.contains("pw1")
        }
    }
}
