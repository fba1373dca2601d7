import Dash

/// What `dash-swift dev` does when sources change, a build ends, the app ends or somebody wants it all to end, as a value.
///
/// The app that runs goes on until a build went well; only then it is stopped, and the new one started when it is gone, for
/// both listen on the same port.
struct DevState: Sendable {
    /// What happened.
    enum Event: Sendable, Equatable {
        /// Sources changed.
        case changed
        /// The build went well.
        case built
        /// The build failed, with what the compiler said.
        case failed(String)
        /// The new program found no mistakes in its apps.
        case checked
        /// The new program will not serve, for the mistakes that it names.
        case refused(String)
        /// The app ended, in words.
        case appEnded(String)
        /// Somebody wants the end: Ctrl-C, SIGTERM.
        case interrupted
        /// The app was asked to stop a while ago: the number of the stop.
        case graceOver(Int)
    }

    /// What to do.
    enum Action: Sendable, Equatable {
        case build
        /// Let the new program look for mistakes in its apps, which no compiler sees.
        case check
        /// End the build or the check.
        case stopBuild
        case startApp
        /// Ask the app to stop, and tell of ``Event/graceOver(_:)`` with this number later.
        case stopApp(Int)
        case killApp
        /// What pages are told.
        case report(BuildReport?)
        /// What the terminal is told.
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
    /// Whether sources changed since the build that runs was begun.
    private var isStale = false
    private var interruptions = 0
    private var stops = 0

    /// - Parameter product: The app's name, for messages.
    init(product: String) {
        self.product = product
    }

    /// The first things to do.
    mutating func begin() -> [Action] { build("Building \(product) …") }

    /// What to do now that something happened.
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
        case .refused(let mistakes): return failure("The app has mistakes:\n\(mistakes)\n", mistakes)
        case .built:
            isBuilding = true
            return [.check]
        default: return [.report(nil)] + restart()
        }
    }

    private func failure(_ sentence: String, _ output: String) -> [Action] {
        let rest = app == .none ? "It is started as soon as all is well." : "The app goes on as it was."
        return [.report(BuildReport(.failed, output: output)), .say("\(sentence) \(rest)")]
    }

    private mutating func restart() -> [Action] {
        switch app {
        case .none:
            app = .running
            return [.say("Starting \(product)"), .startApp]
        case .running: return [.say("Built; starting \(product) again")] + stop()
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
        return [.say("The app \(how). It is started again when its sources change.")]
    }

    /// The first time everything is asked to end, the second time it is ended.
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
