/// Callbacks whose work other workers do, for example Python's.
extension DashApp {
    /// Registers a callback whose job is a task of other Celery workers, which need know nothing of this program.
    ///
    /// The task's arguments are the values of the inputs and states, in their order, as JSON; its result is the output's
    /// value, or a list of one value for each of several outputs. It is revoked when the job is cancelled.
    ///
    /// - Parameters:
    ///   - output: What the task's result is written to.
    ///   - inputs: The arguments: an ``Input`` or a ``State`` each.
    ///   - celeryTask: The task's name: `proj.tasks.report`.
    ///   - queue: The queue its workers take from; nil is the default of the site's queue for other programs, `celery`.
    ///   - running: Properties that have another value while it runs.
    ///   - cancel: Inputs whose change ends the job.
    ///   - cache: Which starts share a result; by default none do.
    ///   - preventInitialCall: Whether it runs only when an input changes after the components have appeared.
    ///   - onError: What to answer instead of an error; nil leaves the outputs as they are.
    ///   - name: A name that stays when inputs and outputs change; by default made of these.
    ///   - file: Where it is declared, for messages.
    ///   - line: Where it is declared, for messages.
    public func backgroundCallback<O: OutputSet>(
        _ output: O,
        _ inputs: any Dependency...,
        celeryTask: String,
        queue: String? = nil,
        running: [Running] = [],
        cancel: [any AnyInput] = [],
        cache: CachePolicy? = nil,
        preventInitialCall: PreventInitialCall = false,
        onError: (@Sendable (CallbackFailure) async throws -> O.Values?)? = nil,
        name: String? = nil,
        file: StaticString = #fileID,
        line: UInt = #line
    ) {
        let options = BackgroundOptions(
            interval: .zero,
            cancel: cancel.flatMap { $0.slots.map(\.ref) },
            progress: [],
            progressDefault: nil,
            cache: cache,
            retries: .none,
            remote: RemoteOptions(name: celeryTask, queue: queue)
        )
        let registration = Registration(
            running: running,
            preventInitialCall: preventInitialCall,
            name: name,
            location: SourceLocation(file: file, line: line),
            background: options
        )
        register(output, remoteInputs: inputs, onError: onError, registration)
    }

    /// Registers a callback whose job is a task of other Celery workers, and shows the progress it tells.
    ///
    /// The task tells it by `update_state(state="PROGRESS", meta=…)`: a list gives one value for each property; of an object
    /// `current`, `done` or `value` is the first property's value and `total` or `max` the second's, and members named like
    /// a property (`bar.value`) are its own; a single property gets the whole of it.
    ///
    /// - Parameters:
    ///   - output: What the task's result is written to.
    ///   - inputs: The arguments: an ``Input`` or a ``State`` each.
    ///   - celeryTask: The task's name: `proj.tasks.report`.
    ///   - queue: The queue its workers take from; nil is the default of the site's queue for other programs, `celery`.
    ///   - running: Properties that have another value while it runs.
    ///   - cancel: Inputs whose change ends the job.
    ///   - progress: What the task's progress is written to.
    ///   - progressDefault: What `progress` becomes when the job is over; nil leaves it.
    ///   - cache: Which starts share a result; by default none do.
    ///   - interval: The shortest gap between two updates of the progress in the page.
    ///   - preventInitialCall: Whether it runs only when an input changes after the components have appeared.
    ///   - onError: What to answer instead of an error; nil leaves the outputs as they are.
    ///   - name: A name that stays when inputs and outputs change; by default made of these.
    ///   - file: Where it is declared, for messages.
    ///   - line: Where it is declared, for messages.
    public func backgroundCallback<O: OutputSet, P: OutputSet>(
        _ output: O,
        _ inputs: any Dependency...,
        celeryTask: String,
        queue: String? = nil,
        running: [Running] = [],
        cancel: [any AnyInput] = [],
        progress: P,
        progressDefault: P.Values? = nil,
        cache: CachePolicy? = nil,
        interval: Duration = .zero,
        preventInitialCall: PreventInitialCall = false,
        onError: (@Sendable (CallbackFailure) async throws -> O.Values?)? = nil,
        name: String? = nil,
        file: StaticString = #fileID,
        line: UInt = #line
    ) {
        let options = BackgroundOptions(
            interval: interval,
            cancel: cancel.flatMap { $0.slots.map(\.ref) },
            progress: progress.outputSlots.map(\.ref),
            progressDefault: progressDefault.map(progress.placed),
            cache: cache,
            retries: .none,
            remote: RemoteOptions(name: celeryTask, queue: queue)
        )
        let registration = Registration(
            running: running,
            preventInitialCall: preventInitialCall,
            name: name,
            location: SourceLocation(file: file, line: line),
            background: options
        )
        register(output, remoteInputs: inputs, onError: onError, registration)
    }

    private func register<O: OutputSet>(
        _ output: O,
        remoteInputs inputs: [any Dependency],
        onError: (@Sendable (CallbackFailure) async throws -> O.Values?)?,
        _ registration: Registration
    ) {
        register(output, inputs: inputs.map(\.slots), types: [], onError: onError, registration) { _, _ in
            throw DashError(.invalidRequest, "This job is run by other workers.")
        }
    }
}
