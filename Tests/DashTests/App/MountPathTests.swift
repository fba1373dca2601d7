import Testing

@testable import Dash

@Suite("Mount paths")
struct MountPathTests {
    @Test(
        "Paths are normalized to one slash at both ends and between parts",
        arguments: [
            ("/", "/"), ("", "/"), ("//", "/"), ("tools", "/tools/"), ("/tools", "/tools/"), ("tools/", "/tools/"),
            ("/a/b/", "/a/b/"), ("a//b", "/a/b/"), ("/reports/2026.1/", "/reports/2026.1/"), ("/a~b/", "/a~b/"),
            ("...", "/.../"),
        ]
    )
    func normalized(path: String, expected: String) {
        #expect(MountPath.normalized(path) == expected)
    }

    @Test(
        "Paths that a browser or proxy could interpret differently are invalid",
        arguments: [
            "a b", "/a?b/", "/a#b/", "/a%20b/", "/./", "/a/../b/", "..", "/ä/", "/a\\b/", "/<a>/", "/\"/", "/a\n/",
        ]
    )
    func refused(path: String) {
        #expect(MountPath.normalized(path) == nil)
    }

    @Test(
        "An app's default name is its path without the outer slashes",
        arguments: [("/", "app"), ("/a/", "a"), ("/a/b/", "a/b")]
    )
    func names(path: String, expected: String) {
        #expect(MountPath.name(of: path) == expected)
    }
}
