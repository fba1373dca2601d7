import Dash
import JobsCelery
import JobsRabbitMQ

let jobs = try CeleryManager.fromEnvironment(brokers: [.redis, .rabbitMQ])
let site = DashSite(jobs: jobs)
let entries = catalogue + (jobs == nil ? [] : queueCatalogue)
for entry in entries {
    site.mount(entry.make(), at: "/\(entry.name)/")
}
site.page(at: "/", html: indexPage(of: entries))
try await site.run()
