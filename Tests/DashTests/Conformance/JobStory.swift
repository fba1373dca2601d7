import DashJSON
import HTTPTypes

/// The accumulated responses about one job.
///
/// Our polls are held until there is an update, so the number of responses differs from stock Dash's; their accumulated
/// content does not.
struct JobStory: Sendable {
    /// Our handle of the job.
    private(set) var handle: String?
    let isOnOtherPage: Bool
    private var status = 200
    private var members = JSONObject()
    private(set) var isEnded = false

    init(start: Answer?, isOnOtherPage: Bool) {
        self.isOnOtherPage = isOnOtherPage
        if let start { take(start) }
    }

    /// Adds a response of our server.
    mutating func take(_ answer: Answer) {
        handle = handle ?? answer.job
        take(status: answer.status, body: answer.status == 200 ? answer.json : .null)
    }

    /// Adds a response.
    mutating func take(status: Int, body: JSON) {
        self.status = status
        isEnded = status != 200 || !body["response"].isNull
        guard status == 200 else { return }
        for key in ["cancel", "progressDefault", "response"] where !body[key].isNull { members[key] = body[key] }
        for key in ["progress", "sideUpdate"] {
            guard let new = body[key].objectValue else { continue }
            var merged = members[key]?.objectValue ?? JSONObject()
            for (id, value) in new { merged[id] = value }
            members[key] = .object(merged)
        }
    }

    /// The accumulated response.
    var finalAnswer: Answer {
        let body = status == 200 ? JSON.object(members).serialized() : []
        return Answer(status: status, headers: status == 200 ? [.contentType: "application/json"] : [:], bytes: body)
    }
}
