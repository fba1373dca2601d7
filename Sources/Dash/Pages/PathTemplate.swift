import Foundation

/// The path of a page: `/reports`, or with variables `/reports/<id>/<part>`.
struct PathTemplate: Sendable, Hashable {
    /// One piece of a segment.
    enum Piece: Sendable, Hashable {
        case text(String)
        case variable(String)
    }

    /// The template as it was written.
    let text: String
    /// The parts between slashes, each of its pieces.
    let segments: [[Piece]]

    /// Reads a template. What is malformed in it, which ``problem`` tells, is taken for text.
    init(_ text: String) {
        self.text = text
        segments = text.split(separator: "/").map(Self.pieces)
    }

    /// The names of the variables, in order.
    var variables: [String] {
        segments.flatMap(\.self).compactMap { if case .variable(let name) = $0 { name } else { nil } }
    }

    /// Whether any path fits but one.
    var hasVariables: Bool { !variables.isEmpty }

    /// The path with a word in place of each variable: `/reports/none`.
    func path(with word: String = "none") -> String {
        "/"
            + segments.map { pieces in
                pieces.map { piece in
                    switch piece {
                    case .text(let text): text
                    case .variable: word
                    }
                }.joined()
            }.joined(separator: "/")
    }

    /// The template with nameless variables: equal for templates that the same paths fit.
    var shape: String {
        "/"
            + segments.map { $0.map { if case .text(let text) = $0 { text } else { "<>" } }.joined() }.joined(
                separator: "/"
            )
    }

    private static func pieces(of segment: Substring) -> [Piece] {
        var pieces: [Piece] = []
        var rest = segment
        while let open = rest.firstIndex(of: "<"), let close = rest[open...].firstIndex(of: ">") {
            if open > rest.startIndex { pieces.append(.text(String(rest[..<open]))) }
            pieces.append(.variable(String(rest[rest.index(after: open)..<close])))
            rest = rest[rest.index(after: close)...]
        }
        if !rest.isEmpty { pieces.append(.text(String(rest))) }
        return pieces
    }
}

extension PathTemplate {
    /// The values of the variables in a path; nil for a path that does not fit.
    ///
    /// A variable stands for one sign or more within one segment. Of several in a segment the first takes as much as it can.
    ///
    /// - Parameter path: The segments, their percent signs decoded.
    func match(_ path: [String]) -> [String: String]? {
        guard path.count == segments.count else { return nil }
        var values: [String: String] = [:]
        for (segment, pieces) in zip(path, segments) {
            guard let found = Self.match(segment[...], pieces[...]) else { return nil }
            values.merge(found) { first, _ in first }
        }
        return values
    }

    /// From the end, so that each text stands as late as it can, and nothing is tried twice.
    private static func match(_ text: Substring, _ pieces: ArraySlice<Piece>) -> [String: String]? {
        var (rest, pieces, values) = (text, pieces, [String: String]())
        while let last = pieces.popLast() {
            switch last {
            case .text(let piece):
                guard rest.hasSuffix(piece) else { return nil }
                rest = rest.dropLast(piece.count)
            case .variable(let name):
                guard let start = start(ofVariableIn: rest, after: pieces), start < rest.endIndex else { return nil }
                values[name] = String(rest[start...])
                rest = rest[..<start]
            }
        }
        return rest.isEmpty ? values : nil
    }

    /// Where the last variable of a text begins; nil if what stands before it is not there.
    private static func start(ofVariableIn text: Substring, after pieces: ArraySlice<Piece>) -> String.Index? {
        guard case .text(let before)? = pieces.last else { return text.startIndex }
        if pieces.count == 1 { return text.hasPrefix(before) ? text.dropFirst(before.count).startIndex : nil }
        return text.dropLast().range(of: before, options: .backwards)?.upperBound
    }

    /// The parts of a path between its slashes, their percent signs decoded; slashes at the ends do not count.
    static func segments(of path: String) -> [String] {
        path.split(separator: "/").map { $0.removingPercentEncoding ?? String($0) }
    }

    /// What is wrong with the template; nil if nothing is.
    var problem: String? {
        guard text.hasPrefix("/") else { return "The path “\(text)” does not begin with a slash: write “/\(text)”." }
        if text.contains("//") { return "The path “\(text)” has two slashes in a row: leave one out." }
        if let sign = text.first(where: { "?#".contains($0) }) {
            return
                "The path “\(text)” contains “\(sign)”: a page's path has no query; its layout reads it from the visit."
        }
        let constants = segments.flatMap(\.self).compactMap { if case .text(let text) = $0 { text } else { nil } }
        if constants.contains(where: { $0.contains("<") || $0.contains(">") }) {
            return "The path “\(text)” has a “<” or “>” that is no variable: write a variable as <name>."
        }
        return variableProblem ?? reservedProblem
    }

    private var variableProblem: String? {
        if variables.contains("") { return "The path “\(text)” has a variable without a name: write <name>." }
        if Set(variables).count < variables.count {
            return "The path “\(text)” has a variable twice: give each a name of its own."
        }
        let isJoined = segments.contains { pieces in
            zip(pieces, pieces.dropFirst()).contains { first, second in
                if case .variable = first, case .variable = second { true } else { false }
            }
        }
        return isJoined ? "The path “\(text)” has two variables side by side: put a text or a slash between them." : nil
    }

    private var reservedProblem: String? {
        guard case .text(let first)? = segments.first?.first, first == "assets" || first.hasPrefix("_dash-") else {
            return nil
        }
        return "The path “\(text)” is never reached, for /\(first) has files of the app: choose another."
    }
}
