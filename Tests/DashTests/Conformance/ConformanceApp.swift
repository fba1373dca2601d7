import Hummingbird
import HummingbirdTesting

@testable import Dash

/// One of the recorded apps, written in Swift.
struct ConformanceApp: Sendable {
    let app: DashApp
    /// The path of its requests.
    var path = "/"
    var site = SiteConfiguration()
    let clock: StoryClock
    /// A real connection, if the app needs one.
    var setup = TestingSetup.router

    init(_ app: DashApp, path: String = "/", clock: StoryClock = StoryClock()) {
        self.app = app
        self.path = path
        self.clock = clock
    }

    /// The apps, by the names of their recordings.
    static let all: [String: @Sendable () -> ConformanceApp] = [
        "single_output": { ConformanceApp(singleOutput()) },
        "multi_output": { ConformanceApp(multiOutput()) },
        "no_input": { ConformanceApp(noInput()) },
        "state": { ConformanceApp(stateValues()) },
        "prevent_update": { ConformanceApp(preventUpdate()) },
        "no_output_set_props": { ConformanceApp(noOutputSetProps()) },
        "no_update_partial": { ConformanceApp(noUpdatePartial()) },
        "nested_children": { ConformanceApp(nestedChildren()) },
        "running_plain": { ConformanceApp(runningPlain()) },
        "allow_duplicate": { ConformanceApp(allowDuplicate()) },
        "values": { ConformanceApp(values()) },
        "errors": { ConformanceApp(errors()) },
        "background_full": { backgroundFull() },
        "background_minimal": { backgroundMinimal() },
        "background_error": { backgroundError() },
        "background_restart": { backgroundRestart() },
        "pattern_match": { ConformanceApp(patternMatch()) },
        "pattern_all": { ConformanceApp(patternAll()) },
        "grouped_inputs": { ConformanceApp(groupedInputs()) },
        "patch": { ConformanceApp(patches()) },
        "context": { context() },
        "components": { ConformanceApp(components()) },
        "clientside": { ConformanceApp(clientside()) },
        "index_options": { indexOptions() },
        "dev_tools": { devTools() },
        "pages": { ConformanceApp(pages()) },
        "pages_plain": { ConformanceApp(pagesPlain()) },
        "websocket": { ConformanceApp(webSocket()) },
        "pattern_allsmaller": { ConformanceApp(patternAllSmaller()) },
    ]
}
