import Testing

@testable import DashCLI

@Suite("Names in Swift")
struct NamingTests {
    @Test(
        "Names of properties become camel case",
        arguments: [
            ("n_clicks", "nClicks"), ("className", "className"), ("is_RTL", "isRTL"), ("_hidden", "hidden"),
            ("n_clicks_timestamp", "nClicksTimestamp"), ("", ""), ("_", "_"),
        ]
    )
    func camelCase(name: String, swift: String) {
        #expect(Naming.camelCase(name) == swift)
    }

    @Test(
        "Names of packages become names of modules",
        arguments: [
            ("dash_ag_grid", "DashAgGrid"), ("dash-mantine-components", "DashMantineComponents"), ("my.lib", "MyLib"),
        ]
    )
    func typeName(package: String, module: String) {
        #expect(Naming.typeName(package) == module)
    }

    @Test("Keywords stand in back-ticks", arguments: ["async", "as", "default", "defer", "for", "is", "in", "open"])
    func keyword(name: String) {
        #expect(Naming.identifier(name) == "`\(name)`")
    }

    @Test("Other names do not")
    func plain() {
        #expect(Naming.identifier("value") == "value")
    }

    @Test(
        "Wildcards and names with signs cannot be parameters",
        arguments: [
            ("data-*", false), ("aria-*", false), ("1st", false), ("", false), ("n_clicks", true), ("_a1", true),
        ]
    )
    func identifiers(name: String, isIdentifier: Bool) {
        #expect(Naming.isIdentifier(name) == isIdentifier)
    }
}
