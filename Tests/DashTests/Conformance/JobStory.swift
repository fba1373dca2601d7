import DashJSON
import HTTPTypes

/// All that a page has been told of one job, whatever the number of answers.
///
/// Our polls are held and answered when there is news, so the number of answers differs from stock Dash's; what a page knows
/// in the end does not.
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

    /// Takes what our server answered.
    mutating func take(_ answer: Answer) {
        handle = handle ?? answer.job
        take(status: answer.status, body: answer.status == 200 ? answer.json : .null)
    }

    /// Takes one more answer.
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

    /// The story as one answer.
    var told: Answer {
        let body = status == 200 ? JSON.object(members).serialized() : []
        return Answer(status: status, headers: status == 200 ? [.contentType: "application/json"] : [:], bytes: body)
    }
}
