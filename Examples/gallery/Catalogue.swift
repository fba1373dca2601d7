import Dash

/// One app of the gallery, with the texts of its card on the index page.
struct Entry: Sendable {
    /// The mount path, without slashes.
    let name: String
    let title: String
    let sentence: String
    /// The source code of the app's file.
    let source: String
    let make: @Sendable () -> DashApp
}

/// Apps that need a queue.
let queueCatalogue = [
    Entry(
        name: "python",
        title: "Python tasks in a Swift page",
        sentence: "The button starts a task of Python's Celery workers, and Python can call a callback of this page.",
        source: Source.pythonTask,
        make: pythonTask
    )
]

let catalogue = [
    Entry(
        name: "simple",
        title: "A job behind a button",
        sentence: "A click starts a two-second job in a worker process; the page shows its result.",
        source: Source.simple,
        make: simple
    ),
    Entry(
        name: "running",
        title: "A button disabled while its job runs",
        sentence: "Properties set while the job runs are reset when it ends, whatever the outcome.",
        source: Source.running,
        make: running
    ),
    Entry(
        name: "cancel",
        title: "A job you can cancel",
        sentence: "A second button cancels the job; its result is not shown.",
        source: Source.cancel,
        make: cancel
    ),
    Entry(
        name: "progress",
        title: "A progress bar",
        sentence: "The job reports each step, and the bar shows it.",
        source: Source.progress,
        make: progress
    ),
    Entry(
        name: "progress-graph",
        title: "Progress as a Plotly graph",
        sentence: "The job sends a new figure every half second.",
        source: Source.progressGraph,
        make: progressGraph
    ),
    Entry(
        name: "caching",
        title: "Cached results",
        sentence: "Click four times, then again: the second round returns cached results and runs no jobs.",
        source: Source.caching,
        make: caching
    ),
    Entry(
        name: "set-props",
        title: "A grid that fills while you watch",
        sentence: "A job without outputs sets properties while it runs: a hundred rows every two seconds.",
        source: Source.setProps,
        make: setPropsGrid
    ),
    Entry(
        name: "failing",
        title: "A job that fails",
        sentence: "The job throws an error, and the page shows the value that its onError returns.",
        source: Source.failing,
        make: failing
    ),
    Entry(
        name: "patterns",
        title: "One job for each row",
        sentence: "One callback for all rows: jobs run concurrently, each with its own progress and cancel button.",
        source: Source.patterns,
        make: patterns
    ),
    Entry(
        name: "patch",
        title: "A partial update of a figure",
        sentence: "A click sends one point and one title instead of the whole figure.",
        source: Source.patches,
        make: patches
    ),
    Entry(
        name: "clientside",
        title: "A callback in the browser",
        sentence: "A JavaScript function runs without a request, and triggers a callback on the server.",
        source: Source.clientside,
        make: clientside
    ),
    Entry(
        name: "upload",
        title: "Upload and download",
        sentence: "Drop a CSV file: the page plots it, keeps it after a reload, and offers it as a download.",
        source: Source.upload,
        make: upload
    ),
    Entry(
        name: "pages",
        title: "Several pages, and a job that outlives them",
        sentence: "Pages with variables, a redirect and a 404; a job continues while another page is shown.",
        source: Source.pages,
        make: pages
    ),
    Entry(
        name: "empty",
        title: "An empty job",
        sentence: "The job does nothing, so it shows the round trip from the click to the result.",
        source: Source.empty,
        make: empty
    ),
    Entry(
        name: "echo",
        title: "A regular callback",
        sentence: "No job: the server echoes what you type within the request.",
        source: Source.echo,
        make: echo
    ),
]
