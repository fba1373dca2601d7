import Dash
import Foundation

/// A job that ignores its cancellation and starts a child process.
func stubborn() -> DashApp {
    let page = JobPage(), app = DashApp()
    app.layout = page.layout
    app.backgroundCallback(
        Output(page.text.children),
        Input(page.run.nClicks),
        running: page.running,
        cancel: [Input(page.stop.nClicks)],
        preventInitialCall: true
    ) { _ in
        note("\(ProcessInfo.processInfo.processIdentifier)", in: "stubborn")
        var child = pid_t()
        let path = strdup("/bin/sleep"), seconds = strdup("300")
        defer {
            free(path)
            free(seconds)
        }
        posix_spawn(&child, "/bin/sleep", nil, nil, [path, seconds, nil], environ)
        note("\(child)", in: "stubborn")
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0 {}
        return "the child ended by itself"
    }
    return app
}
