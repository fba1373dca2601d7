import Testing

@testable import DashCLI

@Suite("Names in Swift")
struct NamingTests {
    @Test(
        "Property names become camel case",
        arguments: [
            ("n_clicks", "nClicks"), ("className", "className"), ("is_RTL", "isRTL"), ("_hidden", "hidden"),
            ("n_clicks_timestamp", "nClicksTimestamp"), ("", ""), ("_", "_"),
        ]
    )
    func camelCase(name: String, swift: String) {
        #expect(Naming.camelCase(name) == swift)
    }

    @Test(
        "Package names become module names",
        arguments: [
            ("dash_ag_grid", "DashAgGrid"), ("dash-mantine-components", "DashMantineComponents"), ("my.lib", "MyLib"),
        ]
    )
    func typeName(package: String, module: String) {
        #expect(Naming.typeName(package) == module)
    }

    @Test("Keywords get backticks", arguments: ["async", "as", "default", "defer", "for", "is", "in", "open"])
    func keyword(name: String) {
        #expect(Naming.identifier(name) == "`\(name)`")
    }

    @Test("Other names are not")
    func plain() {
        #expect(Naming.identifier("value") == "value")
    }

    @Test(
        "Wildcards and names with special characters cannot be parameters",
        arguments: [
            ("data-*", false), ("aria-*", false), ("1st", false), ("", false), ("n_clicks", true), ("_a1", true),
        ]
    )
    func identifiers(name: String, isIdentifier: Bool) {
        #expect(Naming.isIdentifier(name) == isIdentifier)
    }
}
