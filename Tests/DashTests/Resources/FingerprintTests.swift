import Testing

@testable import Dash

@Suite("Fingerprints of file names")
struct FingerprintTests {
    @Test(
        "The fingerprint follows the first dot of the name",
        arguments: [
            ("deps/react@18.3.1.min.js", "4.4.1", "deps/react@18.v4_4_1m1700000000.3.1.min.js"),
            ("dcc/dash_core_components.js", "4.4.1", "dcc/dash_core_components.v4_4_1m1700000000.js"),
            ("a.b/bundle.js", "7.4.1-rc 1", "a.b/bundle.v7_4_1-rc_1m1700000000.js"),
            ("bundle.js", "1", "bundle.v1m1700000000.js"),
            ("LICENSE", "1", "LICENSE"),
        ]
    )
    func mark(path: String, version: String, marked: String) {
        #expect(Fingerprint.mark(path, version: version, time: 1_700_000_000) == marked)
    }

    @Test(
        "A fingerprint is removed from a name",
        arguments: [
            ("deps/react@18.v4_4_1m1700000000.3.1.min.js", "deps/react@18.3.1.min.js"),
            ("bundle.v7_4_1-rcm17ffAA.js", "bundle.js"),
            ("x.vm-mm0.css", "x.css"),
        ]
    )
    func parse(marked: String, path: String) {
        let parsed = Fingerprint.parse(marked)
        #expect(parsed.path == path)
        #expect(parsed.isMarked)
    }

    @Test(
        "Other names are unchanged",
        arguments: [
            "bundle.js", "react@18.3.1.min.js", "bundle.v1m.js", "bundle.vm1.js", "bundle.v1mxyz.js", "v1m1.js",
            "bundle.v1m1", "bundle.V1m1.js", "bundle.v1 m1.js", "bundle.vé1m1.js", "",
        ]
    )
    func leaveAlone(path: String) {
        let parsed = Fingerprint.parse(path)
        #expect(parsed.path == path)
        #expect(!parsed.isMarked)
    }
}
