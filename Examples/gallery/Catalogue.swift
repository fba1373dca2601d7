import Dash

/// One app of the gallery, as its card on the index page shows it.
struct Entry: Sendable {
    /// The path the app is mounted at, without its slashes.
    let name: String
    let title: String
    let sentence: String
    /// The text of the file the app is written in.
    let source: String
    let make: @Sendable () -> DashApp
}

/// What is there only with a queue.
let queueCatalogue = [
    Entry(
        name: "python",
        title: "Python's work in a Swift page",
        sentence: "The button starts a task of Python's Celery workers; and Python may call this page's own callback.",
        source: Source.pythonTask,
        make: pythonTask
    )
]

let catalogue = [
    Entry(
        name: "simple",
        title: "A job behind a button",
        sentence: "The click starts a job of two seconds in a worker process; the page shows what it returns.",
        source: Source.simple,
        make: simple
    ),
    Entry(
        name: "running",
        title: "Disabled while it runs",
        sentence: "Properties that hold while the job runs and are put back at its end, whichever way it ends.",
        source: Source.running,
        make: running
    ),
    Entry(
        name: "cancel",
        title: "A job you can cancel",
        sentence: "A second button ends the job; what it would have returned is not written.",
        source: Source.cancel,
        make: cancel
    ),
    Entry(
        name: "progress",
        title: "A progress bar",
        sentence: "The job reports each step, and the bar shows every one of them.",
        source: Source.progress,
        make: progress
    ),
    Entry(
        name: "progress-graph",
        title: "Progress as a Plotly graph",
        sentence: "A figure is a value like any other: the job sends a new one every half second.",
        source: Source.progressGraph,
        make: progressGraph
    ),
    Entry(
        name: "caching",
        title: "Cached results",
        sentence: "Click through to four, then again: the second round answers at once and runs nothing.",
        source: Source.caching,
        make: caching
    ),
    Entry(
        name: "set-props",
        title: "A grid that fills while you watch",
        sentence: "A job without outputs sets properties as it goes: a hundred rows every two seconds.",
        source: Source.setProps,
        make: setPropsGrid
    ),
    Entry(
        name: "failing",
        title: "A job that fails",
        sentence: "The job throws an error, and the page shows what its onError makes of it.",
        source: Source.failing,
        make: failing
    ),
    Entry(
        name: "patterns",
        title: "Rows with jobs of their own",
        sentence: "One callback for all rows: each runs its job, shows its progress and cancels it, side by side.",
        source: Source.patterns,
        make: patterns
    ),
    Entry(
        name: "patch",
        title: "A figure changed in part",
        sentence: "A click sends one point and one title, and not the whole figure.",
        source: Source.patches,
        make: patches
    ),
    Entry(
        name: "clientside",
        title: "A callback in the browser",
        sentence: "A function in JavaScript answers without a request, and sets off a callback on the server.",
        source: Source.clientside,
        make: clientside
    ),
    Entry(
        name: "upload",
        title: "A file in, a file out",
        sentence: "Drop a CSV file: the page draws it, keeps it over a reload, and gives it back as a download.",
        source: Source.upload,
        make: upload
    ),
    Entry(
        name: "pages",
        title: "Several pages, and a job across them",
        sentence: "Pages with variables, a redirection and a 404; a job goes on while another page is shown.",
        source: Source.pages,
        make: pages
    ),
    Entry(
        name: "empty",
        title: "An empty job",
        sentence: "Nothing to do: what you see is the time from the click to the answer of a job.",
        source: Source.empty,
        make: empty
    ),
    Entry(
        name: "echo",
        title: "An ordinary callback",
        sentence: "No job at all: what you type is said back within the request.",
        source: Source.echo,
        make: echo
    ),
]
