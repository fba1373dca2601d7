import Dash

// Apps that fail in every way a job or a callback can; the browser tests look at what the pages show.
let site = DashSite()
site.mount(trapInServer(), at: "/trap-in-server/")
site.mount(trapInJob(), at: "/trap-in-job/")
site.mount(stubborn(), at: "/stubborn/")
site.mount(long(), at: "/long/")
site.mount(retried(), at: "/retried/")
site.mount(own(), at: "/own/")
site.mount(throwing(), at: "/throwing/")
site.mount(handled(), at: "/handled/")
site.mount(many(), at: "/many/")
site.mount(defects(), at: "/defects/")
site.mount(events(), at: "/events/")
try await site.run()
