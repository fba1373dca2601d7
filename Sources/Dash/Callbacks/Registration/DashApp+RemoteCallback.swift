/// Callbacks that run on other workers, such as Python's.
extension DashApp {
    /// Registers a callback that runs as a task of other Celery workers, which need no knowledge of this program.
    ///
    /// The task's arguments are the values of the inputs and states, in order, as JSON; its result is the output's
    /// value, or a list with one value for each of several outputs. Cancelling the job revokes the task.
    ///
    /// - Parameters:
    ///   - output: The outputs for the task's result.
    ///   - inputs: The arguments: ``Input`` and ``State`` values.
    ///   - celeryTask: The task's name, such as `proj.tasks.report`.
    ///   - queue: The queue of its workers; nil is the site's default for other programs, `celery`.
    ///   - running: Properties with another value while it runs.
    ///   - cancel: Inputs whose change cancels the job.
    ///   - cache: Which starts share a result; by default none.
    ///   - preventInitialCall: Whether it runs only after an input has changed.
    ///   - onError: Returns the outputs' values in place of an error; nil leaves the outputs unchanged.
    ///   - name: A name that is stable when inputs and outputs change; by default derived from these.
    ///   - file: The file of the declaration, for messages.
    ///   - line: The line of the declaration, for messages.
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
            cancel: cancel.flatMap { $0.slots.map(\.ref) },
            cache: cache,
            remote: (celeryTask, queue)
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

    /// Registers a callback that runs as a task of other Celery workers, and shows its progress.
    ///
    /// The task reports progress by `update_state(state="PROGRESS", meta=…)`. A list has one value for each property.
    /// In an object, `current`, `done` or `value` is the first property's value, `total` or `max` the second's, and
    /// members named like a property (`bar.value`) are that property's. A single property gets the whole value.
    ///
    /// The other parameters are those of the callback without progress.
    ///
    /// `progress` names the outputs for the task's progress, `progressDefault` their values after the job (nil leaves them
    /// unchanged), and `interval` the minimum time between two updates of the progress.
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
            remote: (celeryTask, queue)
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
            throw DashError(.invalidRequest, "This job runs only on other workers.")
        }
    }
}
