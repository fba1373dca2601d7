import Dash

/// Writes suites' manifests and the lock as Swift: text out of values, nothing else.
enum RenderManifest {
    /// The expression that makes a manifest, without indentation before its first line.
    static func literal(_ manifest: SuiteManifest, indent: String) -> String {
        var arguments = [
            "name: \(quoted(manifest.name))",
            "package: \(quoted(manifest.package))",
            "version: \(quoted(manifest.version))",
        ]
        if let namespace = manifest.namespace { arguments.append("namespace: \(quoted(namespace))") }
        if manifest.place != .suite { arguments.append("place: .\(manifest.place)") }
        let inner = indent + "    "
        if !manifest.scripts.isEmpty {
            let scripts = manifest.scripts.map { script($0, indent: inner + "    ") }
            arguments.append("scripts: \(list(scripts, indent: inner))")
        }
        if !manifest.styles.isEmpty { arguments.append("styles: \(list(manifest.styles.map(quoted), indent: inner))") }
        if !manifest.dynamicFiles.isEmpty {
            arguments.append("dynamicFiles: \(list(manifest.dynamicFiles.map(quoted), indent: inner))")
        }
        if !manifest.childrenProps.entries.isEmpty {
            arguments.append("childrenProps: \(childrenProps(manifest.childrenProps, indent: inner))")
        }
        if let wheel = manifest.wheel { arguments.append("wheel: \(self.wheel(wheel, indent: inner))") }
        let lines = arguments.map { inner + $0 }.joined(separator: ",\n")
        return "SuiteManifest(\n\(lines)\n\(indent))"
    }

    /// The expression that pins a wheel.
    static func wheel(_ wheel: SuiteWheel, indent: String) -> String {
        """
        SuiteWheel(
        \(indent)    name: \(quoted(wheel.name)),
        \(indent)    version: \(quoted(wheel.version)),
        \(indent)    sha256: \(quoted(wheel.sha256))
        \(indent))
        """
    }

    /// A text as a Swift literal.
    static func quoted(_ text: String) -> String {
        let escaped = text.unicodeScalars.map { scalar in
            switch scalar {
            case "\"", "\\": "\\\(scalar)"
            case " "..."~": String(scalar)
            default: "\\u{\(String(scalar.value, radix: 16))}"
            }
        }
        return "\"\(escaped.joined())\""
    }

    private static func script(_ script: SuiteManifest.Script, indent: String) -> String {
        let path = script.path.map(quoted) ?? "nil"
        guard let development = script.development else { return ".init(\(path))" }
        let line = ".init(\(path), development: \(quoted(development)))"
        guard indent.count + line.count > 90 else { return line }
        return ".init(\n\(indent)    \(path),\n\(indent)    development: \(quoted(development))\n\(indent))"
    }

    private static func list(_ items: [String], indent: String) -> String {
        guard items.count > 1 else {
            let item = items.joined()
            return item.contains("\n") ? "[\n\(indent)    \(item)\n\(indent)]" : "[\(item)]"
        }
        return "[\n" + items.map { "\(indent)    \($0),\n" }.joined() + indent + "]"
    }

    private static func childrenProps(_ props: ChildrenProps, indent: String) -> String {
        let exceptions = props.entries.filter { !$0.paths.isEmpty }.map { entry in
            "\(quoted(entry.component)): [\(entry.paths.map(quoted).joined(separator: ", "))]"
        }
        let except = exceptions.isEmpty ? "" : ", except: \(list(exceptions, indent: indent + "    "))"
        let names = wrapped(props.entries.map(\.component))
        guard names.count > 1 else { return "ChildrenProps(of: \(quoted(names.joined()))\(except))" }
        // The formatter wants the lines of a text one step further in than its quotes' line.
        let lines = names.map { "\(indent)        \($0)" }.joined(separator: " \\\n")
        let rest = except.isEmpty ? "" : ",\n\(indent)    " + except.dropFirst(2)
        return "ChildrenProps(\n\(indent)    of: \"\"\"\n\(lines)\n\(indent)        \"\"\"\(rest)\n\(indent))"
    }

    /// Words in lines of at most 90 characters.
    private static func wrapped(_ words: [String]) -> [String] {
        var lines: [String] = []
        for word in words {
            if let last = lines.last, last.count + word.count < 90 {
                lines[lines.count - 1] = last + " " + word
            } else {
                lines.append(word)
            }
        }
        return lines
    }
}
