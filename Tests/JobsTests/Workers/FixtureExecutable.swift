import Foundation
import Jobs
import Logging

/// The fixture program whose workers the tests use, next to the test bundle. Under `swift test` this process's own
/// executable is the test bundle.
enum FixtureExecutable {
    static let path: String = {
        let places = [Bundle.main.bundlePath, Bundle(for: Marker.self).bundlePath, CommandLine.arguments[0]]
        for place in places {
            var folder = URL(fileURLWithPath: place)
            while folder.path != "/" {
                let file = folder.appendingPathComponent("pool-fixture").path
                if FileManager.default.isExecutableFile(atPath: file) { return file }
                folder.deleteLastPathComponent()
            }
        }
        return "/pool-fixture-was-not-built"
    }()

    /// A configuration of the fixture with short timeouts.
    static func configuration(warm: Int = 1, workers: Int = 4) -> WorkerPoolConfiguration {
        var configuration = WorkerPoolConfiguration(executable: path, arguments: [path], buildID: "fixture")
        configuration.warm = warm
        configuration.workers = workers
        configuration.cancelGrace = .milliseconds(300)
        configuration.shutdownGrace = .milliseconds(500)
        return configuration
    }

    private final class Marker {}
}
