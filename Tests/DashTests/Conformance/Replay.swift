import DashJSON
import HTTPTypes
import Testing

@testable import Dash

/// Replays a recording's requests against our app of the same name.
actor Replay {
    /// The result of an exchange.
    enum Outcome: Sendable {
        case equal
        case allowed(String)
        case different(String)
    }

    let recording: Recording
    private let app: ConformanceApp
    private let visit: Visit
    private var page: Page
    private var otherPage: Page
    /// Our `output` texts of the callbacks, by stock Dash's.
    private var outputs: [String: String] = [:]
    private var jobs: [String: JobStory] = [:]
    private var etags: [String: String] = [:]

    init(_ recording: Recording, of app: ConformanceApp, visit: Visit) async throws {
        self.recording = recording
        self.app = app
        self.visit = visit
        page = try await visit.open(app.path)
        otherPage = try await visit.open(app.path)
        let own = try await visit.ask(.get, app.path + "_dash-dependencies").json.arrayValue ?? []
        for (theirs, ours) in zip(recording.dependencies, own) {
            outputs[theirs["output"].stringValue ?? ""] = ours["output"].stringValue
        }
    }

    /// Replays one exchange; call it in order.
    func play(_ exchange: Recording.Exchange) async throws -> Outcome {
        app.clock.advance(by: exchange.pause)
        let names = exchange.query("job") + exchange.query("cancelJob")
        let isBackground = isStart(exchange) || names.contains { jobs[$0] != nil }
        let answer = isBackground ? try await background(exchange) : try await send(exchange, on: page)
        return compare(answer, exchange, wanted: wanted(exchange))
    }

    /// Sends a recorded request with the generated values of our server.
    private func send(_ exchange: Recording.Exchange, on page: Page) async throws -> Answer {
        let query = exchange.query.map { "\($0.name)=\(own($0.value, on: page))" }.joined(separator: "&")
        var headers: HTTPFields = [:]
        for (name, value) in exchange.headers where name != "Host" {
            guard let name = HTTPField.Name(name) else { continue }
            let etag = etags[exchange.path] ?? ""
            headers[name] =
                value.contains("{{etag}}") ? etag : value
        }
        if exchange.isCallback && headers[.contentType] == nil { headers[.contentType] = "application/json" }
        let method = HTTPRequest.Method(rawValue: exchange.method) ?? .get
        let body: [UInt8]? =
            switch exchange.body {
            case .null: nil
            case .string(let text): Array(text.utf8)
            default: ownBody(exchange.body).serialized()
            }
        let answer = try await visit.ask(
            method,
            exchange.path + (query.isEmpty ? "" : "?" + query),
            headers: headers,
            body: body
        )
        etags[exchange.path] = answer.headers[.eTag] ?? etags[exchange.path]
        return answer
    }

    private func own(_ value: String, on page: Page) -> String {
        switch value {
        case "{{endId}}": page.endID
        case "{{endId of another page}}": otherPage.endID
        default: jobs[value]?.handle ?? value
        }
    }

    /// A body with our ids of callbacks.
    private func ownBody(_ body: JSON) -> JSON {
        guard let theirs = body["output"].stringValue, let ours = outputs[theirs] else { return body }
        var body = body
        body["output"] = .string(ours)
        if let properties = ours.firstMatch(of: /@([0-9a-f]+)/), case let json = body["outputs"], !json.isNull {
            let text = json.jsonText.replacing(/@[0-9a-f]{64}/, with: "@\(properties.1)")
            body["outputs"] = (try? JSON(parsing: text)) ?? json
        }
        return body
    }
}

// MARK: - Background callbacks

extension Replay {
    private func isStart(_ exchange: Recording.Exchange) -> Bool {
        let name = exchange.body["output"].stringValue
        let entry = recording.dependencies.first { $0["output"].stringValue == name }
        return exchange.isCallback && entry.map { !$0["background"].isNull } == true && exchange.query("job").isEmpty
    }

    /// Starts, polls or cancels until our accumulated response equals stock Dash's after the exchange.
    ///
    /// - Returns: The accumulated response about the job, comparable with ``wanted(_:)``.
    private func background(_ exchange: Recording.Exchange) async throws -> Answer {
        let isOthers = exchange.note.contains("second") && exchange.note.contains("user")
        let asked = isOthers ? otherPage : page
        guard let name = exchange.query("job").first else {
            let begun = app.clock.begun
            let answer = try await send(exchange, on: asked)
            guard isStart(exchange), let job = exchange.answer["job"].stringValue else { return answer }
            // The clock advances only for a running job.
            try await until("the job") { app.clock.begun > begun }
            jobs[job] = JobStory(start: answer, isOnOtherPage: isOthers)
            return jobs[job]?.finalAnswer ?? answer
        }
        guard var story = jobs[name] else { return try await send(exchange, on: page) }
        if exchange.query("endId") != ["{{endId}}"] || story.isEnded {
            return try await send(exchange, on: story.isOnOtherPage ? otherPage : page)
        }
        let deadline = ContinuousClock.now + .seconds(20)
        let wanted = wanted(exchange)
        repeat {
            story.take(try await send(exchange, on: story.isOnOtherPage ? otherPage : page))
        } while !story.isEnded && story.finalAnswer.json != wanted.body && ContinuousClock.now < deadline
        jobs[name] = story
        return story.finalAnswer
    }

    /// The expected response; for a job, stock Dash's accumulated response up to this exchange.
    private func wanted(_ exchange: Recording.Exchange) -> (status: Int, body: JSON) {
        guard let name = exchange.query("job").first ?? exchange.answer["job"].stringValue, jobs[name] != nil else {
            return (exchange.status, own(answer: exchange.answer))
        }
        let until = recording.exchanges.prefix { $0.line <= exchange.line }
        var story = JobStory(start: nil, isOnOtherPage: false)
        for other in until where other.query("job").first == name || other.answer["job"].stringValue == name {
            if story.isEnded || other.query("endId") != ["{{endId}}"] { continue }
            story.take(status: other.status, body: own(answer: other.answer))
        }
        return (story.finalAnswer.status, story.finalAnswer.json)
    }

    /// A recorded response with the generated values of our server.
    private func own(answer: JSON) -> JSON {
        let text = answer.jsonText.replacing("{{endId}}", with: page.endID)
        return (try? JSON(parsing: text)) ?? answer
    }
}

// MARK: - Comparison

extension Replay {
    private func compare(
        _ answer: Answer,
        _ exchange: Recording.Exchange,
        wanted: (status: Int, body: JSON)
    ) -> Outcome {
        let difference = difference(answer, wanted.status, wanted.body) ?? headerDifference(answer, exchange)
        let allowed = Allowed.exchanges.first { $0.recording == recording.name && $0.line == exchange.line }
        guard let allowed else { return difference.map(Outcome.different) ?? .equal }
        if difference == nil { return .different("the exchange is equal; remove it from the allowed differences") }
        if let other = self.difference(answer, allowed.status, allowed.body ?? .string("{{html error page}}")) {
            return .different("of the allowed difference: \(other)")
        }
        return .allowed(allowed.reason)
    }

    private func difference(_ answer: Answer, _ status: Int, _ body: JSON) -> String? {
        guard answer.status == status else {
            return "status \(answer.status), not \(status): \(answer.text.prefix(300))"
        }
        // Only the status of errors, pages and Dash's own files is comparable.
        if let text = body.stringValue, text.hasPrefix("{{") { return nil }
        if body.isNull { return answer.bytes.isEmpty ? nil : "a body: \(answer.text.prefix(300))" }
        if let text = body.stringValue, answer.text == text { return nil }
        let (ours, theirs) = (Allowed.normalized(answer.json), Allowed.normalized(body))
        return ours == theirs ? nil : "\(ours.jsonText) is not \(theirs.jsonText)"
    }

    /// The entries of `Server-Timing`, without durations.
    private func times(of answer: Answer) -> [JSON] {
        guard let name = HTTPField.Name("Server-Timing") else { return [] }
        return answer.headers[values: name].map { .string($0.replacing(/dur=[0-9.]+/, with: "dur={{dur}}")) }
    }

    /// Compares headers set by a callback, recorded timings, and content types.
    private func headerDifference(_ answer: Answer, _ exchange: Recording.Exchange) -> String? {
        let times = times(of: answer)
        if exchange.isCallback, let wanted = exchange.answerHeaders["server-timing"].arrayValue, times != wanted {
            return "the times are \(times), not \(wanted)"
        }
        guard exchange.status == 200 else { return nil }
        for name in ["content-type", "set-cookie", "x-answer"] {
            guard let wanted = exchange.answerHeaders[name].stringValue, let field = HTTPField.Name(name) else {
                continue
            }
            let found = answer.headers[values: field]
            if !found.contains(wanted) { return "the header \(name) is \(found), not \(wanted)" }
        }
        return nil
    }
}
