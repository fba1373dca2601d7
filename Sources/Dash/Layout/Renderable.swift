public import DashJSON

/// Anything that may stand where a component's children stand: text, a number, a component, a list of these, or nothing.
///
/// A callback whose output is `children` returns `any Renderable`, so a string, an ``Element`` or a list of elements
/// needs no wrapping.
public protocol Renderable: JSONEncodable {}

extension String: Renderable {}
extension Substring: Renderable {}
extension Int: Renderable {}
extension Double: Renderable {}
extension JSON: Renderable {}
extension RawJSON: Renderable {}
extension Optional: Renderable where Wrapped: Renderable {}
extension Array: Renderable where Element: Renderable {}
