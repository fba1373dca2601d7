import Foundation

/// The path of a page: `/reports`, or with variables `/reports/<id>/<part>`.
struct PathTemplate: Sendable, Hashable {
    enum Piece: Sendable, Hashable {
        case text(String)
        case variable(String)
    }

    /// The template as it was written.
    let text: String
    /// The parts between slashes, each a list of pieces.
    let segments: [[Piece]]

    /// Parses a template. Malformed parts, which ``problem`` reports, become text.
    init(_ text: String) {
        self.text = text
        segments = text.split(separator: "/").map(Self.pieces)
    }

    /// The names of the variables, in order.
    var variables: [String] {
        segments.flatMap(\.self).compactMap { if case .variable(let name) = $0 { name } else { nil } }
    }

    var hasVariables: Bool { !variables.isEmpty }

    /// The path with a word for each variable: `/reports/none`.
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

    /// The template with nameless variables: equal for templates that match the same paths.
    var shape: String { path(with: "<>") }

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
    /// The values of the variables in a path; nil if the path does not match.
    ///
    /// A variable matches one or more characters within a segment. Of several in one segment, the first one is greedy.
    ///
    /// - Parameter path: The percent-decoded segments.
    func match(_ path: [String]) -> [String: String]? {
        guard path.count == segments.count else { return nil }
        var values: [String: String] = [:]
        for (segment, pieces) in zip(path, segments) {
            guard let found = Self.match(segment[...], pieces[...]) else { return nil }
            values.merge(found) { first, _ in first }
        }
        return values
    }

    /// Matches from the end, which makes the first variable greedy without backtracking.
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

    /// The start of the last variable in a text; nil if the preceding piece does not match.
    private static func start(ofVariableIn text: Substring, after pieces: ArraySlice<Piece>) -> String.Index? {
        guard case .text(let before)? = pieces.last else { return text.startIndex }
        if pieces.count == 1 { return text.hasPrefix(before) ? text.dropFirst(before.count).startIndex : nil }
        return text.dropLast().range(of: before, options: .backwards)?.upperBound
    }

    /// The percent-decoded parts of a path between its slashes.
    static func segments(of path: String) -> [String] {
        path.split(separator: "/").map { $0.removingPercentEncoding ?? String($0) }
    }

    /// The error message for an invalid template; nil for a valid one.
    var problem: String? {
        guard text.hasPrefix("/") else { return "The path “\(text)” does not begin with a slash. Use “/\(text)”." }
        if text.contains("//") { return "The path “\(text)” has two slashes in a row. Remove one." }
        if let sign = text.first(where: { "?#".contains($0) }) {
            return
                "The path “\(text)” contains “\(sign)”. Remove it; the page's layout reads the query from the visit."
        }
        let constants = segments.flatMap(\.self).compactMap { if case .text(let text) = $0 { text } else { nil } }
        if constants.contains(where: { $0.contains("<") || $0.contains(">") }) {
            return "The path “\(text)” has an unmatched “<” or “>”. Write a variable as <name>."
        }
        return variableProblem ?? reservedProblem
    }

    private var variableProblem: String? {
        if variables.contains("") { return "The path “\(text)” has a variable without a name. Use <name>." }
        if Set(variables).count < variables.count {
            return "The path “\(text)” has two variables with the same name. Rename one of them."
        }
        let isJoined = segments.contains { pieces in
            zip(pieces, pieces.dropFirst()).contains { first, second in
                if case .variable = first, case .variable = second { true } else { false }
            }
        }
        return isJoined ? "The path “\(text)” has two adjacent variables. Put a text or a slash between them." : nil
    }

    private var reservedProblem: String? {
        guard case .text(let first)? = segments.first?.first, first == "assets" || first.hasPrefix("_dash-") else {
            return nil
        }
        return "The path “\(text)” is never reached, as /\(first) is reserved. Choose another."
    }
}
