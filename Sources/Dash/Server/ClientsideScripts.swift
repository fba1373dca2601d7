/// The functions of an app's callbacks in the browser, as scripts that the page loads: a file each, so that a mistake in one
/// breaks no other, and none in the page itself, so that a strict content security policy may forbid such.
struct ClientsideScripts: Sendable {
    /// The paths below the app's, in the order of registration.
    let paths: [String]
    private let scripts: [String: [UInt8]]

    init(_ callbacks: [Callback]) {
        var paths: [String] = [], scripts: [String: [UInt8]] = [:]
        for function in callbacks.compactMap(\.clientside) {
            guard let source = function.source else { continue }
            let path = "_dash-swift/clientside/\(function.name).js"
            if scripts.updateValue(Self.script(function, source), forKey: path) == nil { paths.append(path) }
        }
        self.paths = paths
        self.scripts = scripts
    }

    /// The script at a path below the app's; nil if there is none.
    func script(at path: String) -> [UInt8]? { scripts[path] }

    /// Puts the function where the renderer looks for it.
    private static func script(_ function: ClientsideFunction, _ source: String) -> [UInt8] {
        let (space, name) = (function.namespace.jsonText, function.name.jsonText)
        let text = """
            (function () {
                var all = window.dash_clientside = window.dash_clientside || {};
                var own = all[\(space)] = all[\(space)] || {};
                own[\(name)] = \(source)
                ;
            })();

            """
        return Array(text.utf8)
    }
}
