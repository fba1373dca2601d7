import Foundation
import Jobs

/// The `job` value that a page keeps while its job runs: opaque, signed, bound to the owner and to the page load.
///
/// It carries the job's id, which is random, and nothing that could be used without the signature; never a process id
/// and never a key derived from inputs.
struct JobHandle: Sendable {
    private let signer: Signer

    init(signer: Signer) {
        self.signer = signer
    }

    /// The handle of `job` for the page that started it.
    func make(_ job: JobID, owner: String, page: String) -> String {
        signer.sign(job.text, purpose: "job", boundTo: [owner, page])
    }

    /// The job behind a handle, or nil when the handle is empty, forged, or of another owner or page.
    func read(_ handle: String, owner: String, page: String) -> JobID? {
        signer.verify(handle, purpose: "job", boundTo: [owner, page]).flatMap { JobID($0) }
    }
}

/// What a callback request's query says of jobs (docs/protocol.md, Callback requests).
struct JobQuery: Sendable, Equatable {
    /// The page load's token.
    var endID: String?
    /// The handle of the job that is polled; nil in a request that starts something. It may be empty, which is no handle.
    var job: String?
    /// The number of the poll, which stays the same when our script tries again; nil without the script.
    var number: Int?
    /// Which of the page's requests this is, in the order in which they left it; polls have none, nor has any request
    /// without our script.
    var order: Int?
    /// Handles of jobs that this start replaces, as the page sees it.
    var oldJobs: [String] = []
    /// Handles of jobs that the click cancels.
    var cancelJobs: [String] = []

    /// Numbers that our script can count to; any other is nobody's.
    private static let numbers = 1...(1 << 52)
    /// Handles read from one query at most; more are no page's.
    private static let mostHandles = 64

    /// Reads the query of a request's path; unknown parameters are ignored.
    init(_ query: String?) {
        for pair in (query ?? "").split(separator: "&") {
            guard let equals = pair.firstIndex(of: "=") else { continue }
            let text = String(pair[pair.index(after: equals)...])
            // Our tokens never need decoding, which is slow.
            let value = text.utf8.contains(UInt8(ascii: "%")) ? text.removingPercentEncoding ?? text : text
            switch pair[..<equals] {
            case "endId": endID = value
            case "job": job = value
            case "n": number = Self.number(value)
            case "order": order = Self.number(value)
            case "oldJob" where oldJobs.count < Self.mostHandles: oldJobs.append(value)
            case "cancelJob" where cancelJobs.count < Self.mostHandles: cancelJobs.append(value)
            default: break
            }
        }
    }

    private static func number(_ text: String) -> Int? {
        Int(text).flatMap { numbers.contains($0) ? $0 : nil }
    }
}
