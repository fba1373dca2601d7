import Testing

@testable import JobsCelery

@Suite("Keys in Redis")
struct RedisKeysTests {
    @Test("A queue's list is that of the largest step not above the priority")
    func steps() {
        let keys = RedisKeys()
        let lists = (-1...11).map { keys.list(of: "q", priority: $0) }
        let (three, six, nine) = ("q\u{06}\u{16}3", "q\u{06}\u{16}6", "q\u{06}\u{16}9")
        #expect(lists == ["q", "q", "q", "q", three, three, three, six, six, six, nine, nine, nine])
        #expect(keys.lists(of: "q") == ["q", three, six, nine])
        #expect(keys.lists(of: "a:b 3").map(keys.queue) == Array(repeating: "a:b 3", count: 4))
    }

    @Test("Keys and channels have the prefix")
    func prefix() {
        let keys = RedisKeys(prefix: "site_", database: 2)
        #expect(keys.unacked == "site_unacked" && keys.workers == "site_dash:workers")
        #expect(keys.channel(of: "celery.pidbox") == "site_/2.celery.pidbox")
        #expect(keys.channel(of: "celeryev", routingKey: "worker.heartbeat") == "site_/2.celeryev/worker.heartbeat")
        #expect(keys.queue(of: keys.list(of: "q", priority: 9)) == "q")
    }

    @Test("The members of bindings have kombu's format")
    func bindings() {
        let keys = RedisKeys()
        let member = keys.binding(routingKey: "oid", queue: "oid.reply.celery.pidbox")
        #expect(member == "oid\u{06}\u{16}\u{06}\u{16}oid.reply.celery.pidbox")
    }
}
