/// Named inputs and states, nested to any depth; Dash in Python uses a dict.
///
/// ```swift
/// struct Size: InputGroup {
///     let width = Input(x.value), height = Input(y.value)
///     let unit = State(unitChoice.value.as(String.self))
/// }
/// app.callback(Output(area.children), Size()) { size in
///     "\(size.width ?? "") × \(size.height ?? "") \(size.unit)"
/// }
/// ```
///
/// The group consists of its stored properties, in order: ``Input``, ``State``, other groups and lists of them.
public protocol InputGroup: Dependency where Value == Values<Self> {}

extension InputGroup {
    /// The inputs and states, in order.
    public var slots: [Slot] { dependencies.flatMap(\.slots) }

    /// Reads all values.
    public func read(from arguments: inout ArgumentReader) throws -> Values<Self> {
        var values = Values(group: self)
        for dependency in dependencies { try values.read(dependency, from: &arguments) }
        return values
    }

    private var dependencies: [any Dependency] {
        // Reflection returns members of any type.
        Mirror(reflecting: self).children.compactMap { $0.value as? any Dependency }
    }
}

/// The values of an ``InputGroup``, by the names of its inputs and states.
@dynamicMemberLookup
public struct Values<Group: InputGroup> {
    /// Identifies a member of a group; members with equal keys have equal values.
    private struct Key: Hashable {
        let slots: [Slot]
        let type: ObjectIdentifier

        init<D: Dependency>(_ dependency: D) {
            slots = dependency.slots
            type = ObjectIdentifier(D.Value.self)
        }
    }

    private let group: Group
    private var values: [Key: Any] = [:]
    private var positions: [Key: Int] = [:]

    fileprivate init(group: Group) { self.group = group }

    fileprivate mutating func read<D: Dependency>(_ dependency: D, from arguments: inout ArgumentReader) throws {
        let key = Key(dependency)
        positions[key] = arguments.position
        values[key] = try dependency.read(from: &arguments)
    }

    /// The value of an input, state or group.
    public subscript<D: Dependency>(dynamicMember member: KeyPath<Group, D>) -> D.Value {
        guard let value = values[Key(group[keyPath: member])] as? D.Value else {
            preconditionFailure("\(Group.self) has values only for its stored properties; this one is computed.")
        }
        return value
    }

    /// The components of the values, and which of them ran the callback: `size.args.width.isTriggered`.
    ///
    /// Available only while the callback runs, and not in a detached task.
    public var args: Arguments<Group> { Arguments(values: self) }

    fileprivate func argument<D: Dependency>(_ member: KeyPath<Group, D>) -> CallbackContext.Argument {
        let arguments = ctx.argsGrouping
        guard let position = positions[Key(group[keyPath: member])], arguments.indices.contains(position) else {
            return CallbackContext.Argument(members: [], triggered: [], isState: false, isList: false)
        }
        return arguments[position]
    }
}

/// The ``CallbackContext/argsGrouping`` of an ``InputGroup``, by the names of its members.
@dynamicMemberLookup
public struct Arguments<Group: InputGroup> {
    fileprivate let values: Values<Group>

    /// An input or state.
    public subscript<D: Dependency>(dynamicMember member: KeyPath<Group, D>) -> CallbackContext.Argument {
        values.argument(member)
    }

    /// A group within the group.
    public subscript<Inner: InputGroup>(dynamicMember member: KeyPath<Group, Inner>) -> Arguments<Inner> {
        values[dynamicMember: member].args
    }
}

extension Array: Dependency where Element: Dependency {
    /// The inputs and states, in order.
    public var slots: [Slot] { flatMap(\.slots) }

    /// Reads all values.
    public func read(from arguments: inout ArgumentReader) throws -> [Element.Value] {
        var values: [Element.Value] = []
        for dependency in self { values.append(try dependency.read(from: &arguments)) }
        return values
    }
}
