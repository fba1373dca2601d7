import Foundation
import Jobs

/// The `job` value that a page keeps while its job runs: opaque, signed, bound to the owner and the page load.
///
/// It contains only the job's random id, which is useless without the signature; never a process id or a key derived
/// from inputs.
struct JobHandle: Sendable {
    private let signer: Signer

    init(signer: Signer) {
        self.signer = signer
    }

    /// The handle of a job for the page that started it.
    func make(_ job: JobID, owner: String, page: String) -> String {
        signer.sign(job.text, purpose: "job", boundTo: [owner, page])
    }

    /// The job of a handle; nil when the handle is empty, forged, or of another owner or page.
    func read(_ handle: String, owner: String, page: String) -> JobID? {
        signer.verify(handle, purpose: "job", boundTo: [owner, page]).flatMap { JobID($0) }
    }
}

/// The job parameters of a callback request's query (docs/protocol.md, Callback requests).
struct JobQuery: Sendable, Equatable {
    /// The page load's token.
    var endID: String?
    /// The handle of the polled job; nil in a start. It may be empty, which is an invalid handle.
    var job: String?
    /// The poll's number, unchanged when our script retries; nil without the script.
    var number: Int?
    /// The position of the request among those of the page; nil for polls and without our script.
    var order: Int?
    /// Handles of jobs that this start replaces, according to the page.
    var oldJobs: [String] = []
    /// Handles of jobs that the click cancels.
    var cancelJobs: [String] = []

    /// The range of our script's numbers; others are ignored.
    private static let numbers = 1...(1 << 52)
    /// The maximum number of handles read from one query.
    private static let mostHandles = 64

    /// Parses the query of a request's path; unknown parameters are ignored.
    init(_ query: String?) {
        for pair in (query ?? "").split(separator: "&") {
            guard let equals = pair.firstIndex(of: "=") else { continue }
            let text = String(pair[pair.index(after: equals)...])
            // Decoding is slow, and our tokens never need it.
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
