import Dash

let site = DashSite()
for entry in catalogue {
    site.mount(entry.make(), at: "/\(entry.name)/")
}
site.page(at: "/", html: indexPage(of: catalogue))
try await site.run()
