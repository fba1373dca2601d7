import Dash
import JobsCelery
import JobsRabbitMQ

// Apps with all kinds of failing jobs and callbacks, for the browser tests.
let site = DashSite(jobs: try CeleryManager.fromEnvironment(brokers: [.redis, .rabbitMQ]))
site.mount(trapInServer(), at: "/trap-in-server/")
site.mount(trapInJob(), at: "/trap-in-job/")
site.mount(stubborn(), at: "/stubborn/")
site.mount(long(), at: "/long/")
site.mount(retried(), at: "/retried/")
site.mount(own(), at: "/own/")
site.mount(throwing(), at: "/throwing/")
site.mount(handled(), at: "/handled/")
site.mount(many(), at: "/many/")
site.mount(chaos(), at: "/chaos/")
site.mount(defects(), at: "/defects/")
site.mount(development(), at: "/development/")
site.mount(pagesWithJobs(), at: "/pages/")
site.mount(events(), at: "/events/")
try await site.run()
