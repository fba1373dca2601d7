import DashJSON
import Dispatch
import Foundation
import ServiceLifecycle
import Support
import Synchronization

/// Looks at the assets and at the build's report again and again, and tells pages what is new.
///
/// It looks on a thread of its own: a walk through folders blocks, and must not hold up requests.
final class HotReload: Service {
    private let assets: [LiveAssets]
    private let watchInterval: Duration
    private let reportFile: String?
    /// What ended the server before this one.
    let trap: TrapReport?
    private let report = Mutex<BuildReport?>(nil)

    /// - Parameters:
    ///   - assets: Those of all apps.
    ///   - watchInterval: How long it waits between two looks.
    ///   - reportFile: Where `dash-swift dev` puts its report; nil if it did not start this program.
    ///   - trap: What ended the server before this one; nil for nothing, or for nothing that pages may know.
    init(_ assets: [LiveAssets], watchInterval: Duration, reportFile: String?, trap: TrapReport? = nil) {
        self.trap = trap
        self.assets = assets
        self.watchInterval = watchInterval
        self.reportFile = reportFile
        report.withLock { $0 = reportFile.flatMap(BuildReport.init(file:)) }
    }

    /// Looks once.
    func look() {
        for folder in assets { folder.look() }
        let found = reportFile.flatMap(BuildReport.init(file:))
        report.withLock { $0 = found }
    }

    /// Looks until the server ends.
    func run() async throws {
        let end = DispatchSemaphore(value: 0)
        let pause = watchInterval / .seconds(1)
        async let watching: Void = OwnThread.run { [self] in
            // Files do not tell by themselves that they changed, on all systems and file systems; so does Dash look.
            while end.wait(timeout: .now() + pause) == .timedOut { look() }
        }
        try? await gracefulShutdown()
        end.signal()
        try await watching
    }

    /// The answer to a page that asks for news (`_reload-hash`).
    ///
    /// - Parameters:
    ///   - app: The page's app.
    ///   - seen: The state that the page knows; nil if it does not say.
    ///   - detail: What pages may see of an error.
    func answer(for app: ServedApp, seen: String?, _ detail: ErrorDetail) -> [UInt8] {
        let news = app.assets.news(since: seen)
        var body: JSON = [
            "reloadHash": .string(news.hash),
            "hard": .bool(news.isHard),
            "packages": .array(app.suites.packages.map { .string($0) }),
            "files": .array(news.files.map { $0.json(url: app.assetURL($0.name)) }),
        ]
        if let report = report.withLock({ $0 }) { body["build"] = report.json }
        if let trap { body["trap"] = trap.json(detail) }
        return body.serialized()
    }
}

extension ReloadHistory.File {
    /// As the renderer reads it; a time that is not above zero stands for a file that is gone.
    fileprivate func json(url: String) -> JSON {
        ["url": .string(url), "modified": .double(modified ?? -1), "is_css": .bool(isStylesheet)]
    }
}
