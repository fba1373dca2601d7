import Dash
import JobsCelery

let site = DashSite(jobs: try CeleryManager.fromEnvironment())
for entry in catalogue {
    site.mount(entry.make(), at: "/\(entry.name)/")
}
site.page(at: "/", html: indexPage(of: catalogue))
try await site.run()
