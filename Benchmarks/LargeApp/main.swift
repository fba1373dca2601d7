import Dash
import Foundation

// Large apps, whose start, layout and type-check are measured: `make bench`. Which one, the environment says.
let site = DashSite()
if ProcessInfo.processInfo.environment["LARGE_APP_PART"] == "layouts" {
    site.mount(largeLayout(), at: "/layout/")
    site.mount(largeLayoutOfEachLoad(), at: "/layout-of-each-load/")
} else {
    site.mount(manyCallbacks(), at: "/callbacks/")
}
try await site.run()
