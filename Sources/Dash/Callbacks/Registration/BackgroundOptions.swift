public import DashJSON
import Jobs

/// A task of other workers, by its name on the queue.
struct RemoteOptions: Sendable {
    var name: String
    /// The queue these workers take from; nil is the default of the site's queue for other programs.
    var queue: String?
}

/// What a background callback has besides a regular one.
struct BackgroundOptions: Sendable {
    /// The shortest gap between two deliveries of progress.
    var interval: Duration
    /// The inputs that end the job.
    var cancel: [PropertyRef]
    /// Where progress is shown.
    var progress: [PropertyRef]
    /// What the progress properties become when the job is over; `nil` leaves them.
    var progressDefault: [PropertyUpdate]?
    var cache: CachePolicy?
    var retries: RetryPolicy
    /// Who does the work in place of a closure: a task of other workers.
    var remote: RemoteOptions?
    /// Those of ``progress`` that were given as lists, one value for each component.
    var progressLists: [PropertyRef] = []
}

/// Which starts of a background callback share one result.
///
/// The key of a result is made of the callback, the build of the program, the arguments, what the `by` closure returns,
/// and the session if the scope is ``Scope/session``. A start that finds a result runs nothing. Errors are not cached.
public struct CachePolicy: Sendable {
    /// Who may get a result.
    public enum Scope: String, Sendable, Hashable {
        /// Everybody. The job cannot read cookies, headers or who asked.
        case shared
        /// The session that started the job.
        case session
    }

    /// A position in the list of the closure's arguments: `.index(0)`.
    public struct Argument: Sendable, Hashable {
        let position: Int

        /// The argument at this position, from 0; the progress setter does not count.
        public static func index(_ position: Int) -> Argument { Argument(position: position) }
    }

    enum Ignored: Sendable, Hashable {
        case position(Int)
        case property(PropertyRef)
    }

    /// What the user's closure adds to the key; called in the web process at each start, with the call's context.
    let value: @Sendable () async throws -> RawJSON
    /// How long a result is kept after its last use; `nil` is for as long as the store keeps results.
    let expire: Duration?
    let ignored: [Ignored]
    let scope: Scope

    /// Results are shared by starts for which the closure returns the same, as are the arguments.
    ///
    /// - Parameters:
    ///   - value: What a result depends on besides the arguments: a version of the data, the app's launch id. It runs in
    ///     the server at each start, where ``ctx`` is that of the call.
    ///   - expire: How long a result is kept after its last use; `nil` is for as long as the store keeps results.
    ///   - ignoring: Arguments by their property that do not matter, such as the click count of the button that starts it.
    ///   - scope: Who may get a result.
    public static func by<Value: JSONEncodable>(
        _ value: @escaping @Sendable () async throws -> Value,
        expire: Duration? = nil,
        ignoring: [any PropertyName] = [],
        scope: Scope = .shared
    ) -> CachePolicy {
        let ignored = ignoring.map { Ignored.property(PropertyRef(id: $0.id, property: $0.name)) }
        return CachePolicy(value: { RawJSON(try await value()) }, expire: expire, ignored: ignored, scope: scope)
    }

    /// Results are shared by starts for which the closure returns the same, as are the arguments.
    ///
    /// - Parameters:
    ///   - value: What a result depends on besides the arguments.
    ///   - expire: How long a result is kept after its last use; `nil` is for as long as the store keeps results.
    ///   - ignoring: Arguments by their position that do not matter.
    ///   - scope: Who may get a result.
    @_disfavoredOverload
    public static func by<Value: JSONEncodable>(
        _ value: @escaping @Sendable () async throws -> Value,
        expire: Duration? = nil,
        ignoring: [Argument],
        scope: Scope = .shared
    ) -> CachePolicy {
        let ignored = ignoring.map { Ignored.position($0.position) }
        return CachePolicy(value: { RawJSON(try await value()) }, expire: expire, ignored: ignored, scope: scope)
    }
}

/// A ``Prop`` of any type, for lists of them.
public protocol PropertyName: Sendable {
    /// The component.
    var id: ComponentID { get }
    /// The property's name in the browser.
    var name: String { get }
}

extension Prop: PropertyName {}

extension CachePolicy {
    /// The arguments that belong to the key.
    ///
    /// - Parameters:
    ///   - arguments: One for each slot.
    ///   - slots: The callback's inputs and states.
    func keptArguments(_ arguments: [JSON], of slots: [Slot]) -> [JSON] {
        zip(slots, arguments).enumerated().filter { position, pair in
            !ignored.contains(.position(position)) && !ignored.contains(.property(pair.0.ref))
        }.map(\.element.1)
    }
}

/// A property that has one value while a callback runs, and another when it does not:
/// `.set(run.disabled, to: true, finally: false)`.
public struct Running: Sendable {
    let ref: PropertyRef
    let on: RawJSON
    let off: RawJSON
    /// True if a list of values was given, one for each component; the browser takes one for all.
    var isList = false

    /// Sets a property while the callback runs.
    ///
    /// - Parameters:
    ///   - property: What is set.
    ///   - on: The value from the moment the callback starts.
    ///   - off: The value from the moment it ends, however it ends.
    public static func set<Value>(_ property: Prop<Value>, to on: Value, finally off: Value) -> Running {
        Running(
            ref: PropertyRef(property),
            on: property.encoded(on),
            off: property.encoded(off),
            isList: property.isList
        )
    }

    /// Sets a property, by the names of the browser, while the callback runs.
    ///
    /// - Parameters:
    ///   - id: The component.
    ///   - property: The property's name in the browser.
    ///   - on: The value from the moment the callback starts.
    ///   - off: The value from the moment it ends, however it ends.
    public static func set<Value: JSONEncodable>(
        _ id: ComponentID,
        _ property: String,
        to on: Value,
        finally off: Value
    ) -> Running {
        Running(ref: PropertyRef(id: id, property: property), on: RawJSON(on), off: RawJSON(off))
    }
}
