import Dash

// Large apps, whose start, layout and type-check are measured: `make bench`.
let site = DashSite()
site.mount(manyCallbacks(), at: "/callbacks/")
site.mount(largeLayout(), at: "/layout/")
site.mount(largeLayoutOfEachLoad(), at: "/layout-of-each-load/")
try await site.run()
