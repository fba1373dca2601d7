/// The jobs that the next flush writes.
struct UnsavedJobs: Sendable {
    /// Jobs whose status or changes are newer than the store's.
    private(set) var changed: Set<JobID> = []
    /// Jobs that the store may contain although their insertion failed.
    private(set) var removals: Set<JobID> = []

    mutating func insert(_ id: JobID) { changed.insert(id) }

    /// Another write contains the job's status.
    mutating func remove(_ id: JobID) { changed.remove(id) }

    mutating func insertRemoval(_ id: JobID) { removals.insert(id) }

    /// The job is started again.
    mutating func cancelRemoval(_ id: JobID) { removals.remove(id) }

    mutating func flushed(_ ids: Set<JobID>) {
        changed.subtract(ids)
        removals = []
    }
}
