public import DashJSON
import Jobs

/// The options of background callbacks only.
struct BackgroundOptions: Sendable {
    /// The minimum time between two deliveries of progress.
    var interval = Duration.zero
    /// The inputs that cancel the job.
    var cancel: [PropertyRef]
    /// The outputs for progress.
    var progress: [PropertyRef] = []
    /// The values of the progress properties after the job; `nil` leaves them unchanged.
    var progressDefault: [PropertyUpdate]?
    var cache: CachePolicy?
    var retries = RetryPolicy.none
    /// The task of other workers that replaces the closure, and its queue; nil is the site's default for other programs.
    var remote: (name: String, queue: String?)?
    /// The members of ``progress`` given as lists, with one value for each component.
    var progressLists: [PropertyRef] = []
}

/// Decides which starts of a background callback share a result.
///
/// The key of a result consists of the callback, the program's build, the arguments, the result of the `by` closure,
/// and the session if the scope is ``Scope/session``. A start with a cached result runs nothing. Errors are not cached.
public struct CachePolicy: Sendable {
    /// Who may use a result.
    public enum Scope: String, Sendable, Hashable {
        /// All users. The job cannot read cookies, headers or the owner.
        case shared
        /// The session that started the job.
        case session
    }

    /// A position in the closure's arguments: `.index(0)`.
    public struct Argument: Sendable, Hashable {
        let position: Int

        /// The argument at a position, from 0; the progress setter is not counted.
        public static func index(_ position: Int) -> Argument { Argument(position: position) }
    }

    enum Ignored: Sendable, Hashable {
        case position(Int)
        case property(PropertyRef)
    }

    /// The user's part of the key; called in the web process at each start, in the call's context.
    let value: @Sendable () async throws -> RawJSON
    /// How long a result is kept after its last use; `nil` leaves it to the store.
    let expire: Duration?
    let ignored: [Ignored]
    let scope: Scope

    /// Shares results between starts with the same arguments and the same result of the closure.
    ///
    /// - Parameters:
    ///   - value: Returns what a result depends on besides the arguments, such as a version of the data or the app's
    ///     launch ID. It runs in the server at each start, with the ``ctx`` of the call.
    ///   - expire: How long a result is kept after its last use; `nil` leaves it to the store.
    ///   - ignoring: The properties of arguments to ignore, such as the click count of the start button.
    ///   - scope: Who may use a result.
    public static func by<Value: JSONEncodable>(
        _ value: @escaping @Sendable () async throws -> Value,
        expire: Duration? = nil,
        ignoring: [any PropertyName] = [],
        scope: Scope = .shared
    ) -> CachePolicy {
        let ignored = ignoring.map { Ignored.property(PropertyRef(id: $0.id, property: $0.name)) }
        return CachePolicy(value: { RawJSON(try await value()) }, expire: expire, ignored: ignored, scope: scope)
    }

    /// Shares results between starts with the same arguments, except those at the positions `ignoring`, and the same
    /// result of the closure. The other parameters are those of ``by(_:expire:ignoring:scope:)-(_,_,[PropertyName],_)``.
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

/// A ``Prop`` of any type, for lists.
public protocol PropertyName: Sendable {
    /// The component.
    var id: ComponentID { get }
    /// The property's name in the browser.
    var name: String { get }
}

extension Prop: PropertyName {}

extension CachePolicy {
    /// The arguments that are part of the key.
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

/// A property with another value while a callback runs: `.set(run.disabled, to: true, finally: false)`.
public struct Running: Sendable {
    let ref: PropertyRef
    let on: RawJSON
    let off: RawJSON
    /// Whether a list of values was given, one for each component; the browser takes only one for all.
    var isList = false

    /// Sets a property while the callback runs.
    ///
    /// - Parameters:
    ///   - property: The property to set.
    ///   - on: The value from the start of the callback.
    ///   - off: The value from its end, whether it succeeds or fails.
    public static func set<Value>(_ property: Prop<Value>, to on: Value, finally off: Value) -> Running {
        Running(
            ref: PropertyRef(property),
            on: property.encoded(on),
            off: property.encoded(off),
            isList: property.isList
        )
    }

    /// Sets a property, by its name in the browser, while the callback runs.
    public static func set<Value: JSONEncodable>(
        _ id: ComponentID,
        _ property: String,
        to on: Value,
        finally off: Value
    ) -> Running {
        Running(ref: PropertyRef(id: id, property: property), on: RawJSON(on), off: RawJSON(off))
    }
}
