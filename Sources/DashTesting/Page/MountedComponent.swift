import Dash
import DashJSON

/// A component with behavior beyond displaying its properties.
struct MountedComponent: Sendable {
    /// The types of such components.
    enum Kind: String, Sendable {
        case location = "Location"
        case store = "Store"
        case interval = "Interval"
        case tabs = "Tabs"
        case download = "Download"
    }

    let kind: Kind
    /// The next tick of an interval.
    var nextTick: Duration?

    /// - Returns: nil for other components.
    init?(_ component: JSON, now: TestClock.Instant) {
        guard component["namespace"] == "dash_core_components",
            let kind = component["type"].stringValue.flatMap(Kind.init(rawValue:))
        else { return nil }
        self.kind = kind
        if kind == .interval { nextTick = now.offset + Self.period(of: component["props"]) }
    }

    static func period(of props: JSON) -> Duration { .milliseconds(max(1, props["interval"].intValue ?? 1000)) }

    /// Whether an interval is active.
    static func ticks(_ props: JSON) -> Bool {
        let most = props["max_intervals"].intValue ?? -1
        return props["disabled"].boolValue != true && (most < 0 || (props["n_intervals"].intValue ?? 0) < most)
    }
}

extension TestClock.Instant {
    /// The wall time in milliseconds, as in the browser.
    var timestamp: JSON { .int(Int((ManagerClock.begin + offset).milliseconds)) }
}
