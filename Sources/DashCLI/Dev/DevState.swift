import Dash

/// The state of `dash-swift dev`. Pure state machine: takes events, returns actions.
///
/// The running app continues until a build has succeeded. It is stopped then, and the new one starts after it has
/// exited, since both listen on the same port.
struct DevState: Sendable {
    enum Event: Sendable, Equatable {
        case changed
        /// The build succeeded.
        case built
        /// The build failed, with the compiler's output.
        case failed(String)
        /// The check of the new program found no errors.
        case checked
        /// The check of the new program found these errors.
        case refused(String)
        /// The app exited, with a description.
        case appEnded(String)
        /// Ctrl-C or SIGTERM.
        case interrupted
        /// The time of the stop with this number is over.
        case graceOver(Int)
    }

    enum Action: Sendable, Equatable {
        case build
        /// Check the new program's apps for errors that the compiler cannot find.
        case check
        case stopBuild
        case startApp
        /// Stop the app, and send ``Event/graceOver(_:)`` with this number later.
        case stopApp(Int)
        case killApp
        case report(BuildReport?)
        /// Print to the terminal.
        case say(String)
        case exit(Int32)
    }

    private enum App: Sendable {
        case none, running, stopping
    }

    private let product: String
    private var app = App.none
    /// Whether a build or a check runs.
    private var isBuilding = false
    /// Whether sources changed since the current build started.
    private var isStale = false
    private var interruptions = 0
    private var stops = 0

    /// - Parameter product: The app's name, for messages.
    init(product: String) {
        self.product = product
    }

    mutating func begin() -> [Action] { build("Building \(product) …") }

    mutating func handle(_ event: Event) -> [Action] {
        switch event {
        case .interrupted: interrupted()
        case .appEnded(let how): appEnded(how)
        case .graceOver(let stop): app == .stopping && stop == stops ? [.killApp] : []
        case .changed: changed()
        case .built, .failed, .checked, .refused: buildEnded(event)
        }
    }

    private mutating func build(_ sentence: String) -> [Action] {
        isBuilding = true
        return [.say(sentence), .report(BuildReport(.building)), .build]
    }

    private mutating func changed() -> [Action] {
        if interruptions > 0 { return [] }
        if isBuilding {
            isStale = true
            return []
        }
        return build("The sources changed; building \(product) …")
    }

    private mutating func buildEnded(_ event: Event) -> [Action] {
        isBuilding = false
        if interruptions > 0 { return app == .none ? [.exit(0)] : [] }
        if isStale {
            isStale = false
            return build("The sources changed again; building \(product) …")
        }
        switch event {
        case .failed(let output): return failure("The build failed.", output)
        case .refused(let mistakes): return failure("The app has errors:\n\(mistakes)\n", mistakes)
        case .built:
            isBuilding = true
            return [.check]
        default: return [.report(nil)] + restart()
        }
    }

    private func failure(_ sentence: String, _ output: String) -> [Action] {
        let rest = app == .none ? "The app starts when the errors are fixed." : "The previous version keeps running."
        return [.report(BuildReport(.failed, output: output)), .say("\(sentence) \(rest)")]
    }

    private mutating func restart() -> [Action] {
        switch app {
        case .none:
            app = .running
            return [.say("Starting \(product)"), .startApp]
        case .running: return [.say("Built; restarting \(product)")] + stop()
        case .stopping: return []
        }
    }

    private mutating func stop() -> [Action] {
        app = .stopping
        stops += 1
        return [.stopApp(stops)]
    }

    private mutating func appEnded(_ how: String) -> [Action] {
        let wasStopping = app == .stopping
        app = .none
        if interruptions > 0 { return isBuilding ? [] : [.exit(0)] }
        if wasStopping {
            app = .running
            return [.startApp]
        }
        return [.say("The app \(how). It restarts when its sources change.")]
    }

    /// The first interrupt stops everything, the second kills it.
    private mutating func interrupted() -> [Action] {
        interruptions += 1
        let builds: [Action] = isBuilding ? [.stopBuild] : []
        if interruptions > 1 { return builds + (app == .none ? [] : [.killApp]) + [.exit(130)] }
        switch app {
        case .none: return builds.isEmpty ? [.exit(0)] : builds
        case .running: return builds + stop()
        case .stopping: return builds
        }
    }
}
