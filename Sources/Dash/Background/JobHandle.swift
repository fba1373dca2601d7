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
