import Crypto
import Support

/// Makes the texts that name a callback on the wire (dash-protocol §5).
struct CallbackIdentity: Sendable {
    /// Hexadecimal digits that tell apart callbacks with the same outputs. Stock Dash hashes the inputs alone, so that
    /// callbacks that differ in their state or name replace one another.
    let hash: String

    init(name: String?, slots: [Slot], location: SourceLocation) {
        var parts = [name ?? ""]
        parts.append(Self.texts(of: slots, isState: false))
        parts.append(Self.texts(of: slots, isState: true))
        if slots.isEmpty { parts.append(location.description) }
        hash = Self.hash(parts.joined(separator: "\n"))
    }

    /// The `output` text of a callback with these outputs; the hash alone if there are none.
    ///
    /// - Parameter isMultiple: Whether one output is a list of one.
    func text(outputs: [OutputSlot], isMultiple: Bool) -> String {
        let items = outputs.map { $0.allowDuplicate ? "\($0.ref.text)@\(hash)" : $0.ref.text }
        return switch items.count {
        case 0: hash
        case 1 where !isMultiple: items[0]
        default: "..\(items.joined(separator: "...")).."
        }
    }

    /// The `output` text of an output that nothing is written to.
    func text(reserved output: PropertyRef) -> String { "\(output.text)@\(hash)" }

    private static func texts(of slots: [Slot], isState: Bool) -> String {
        slots.filter { $0.isState == isState }.map(\.ref.text).joined(separator: ".")
    }

    // 128 bits: enough that no two callbacks of an app meet, and short in every request.
    private static func hash(_ text: String) -> String {
        Hexadecimal.text(SHA256.hash(data: Array(text.utf8)).prefix(16))
    }
}
