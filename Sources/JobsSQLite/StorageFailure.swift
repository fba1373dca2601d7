import GRDB
import Jobs

/// Error messages for the database file.
enum StorageFailure {
    static func opening(_ path: String, _ error: DatabaseError) -> JobsError {
        switch error.resultCode {
        case .SQLITE_NOTADB, .SQLITE_CORRUPT:
            JobsError(.storage, "\(path) is damaged or not a job database. Move it away to start anew.", cause: error)
        default:
            JobsError(.storage, "\(path) could not be opened. \(reason(error))", cause: error)
        }
    }

    static func using(_ error: any Error) -> JobsError {
        if let error = error as? JobsError { return error }
        guard let error = error as? DatabaseError else {
            return JobsError(.storage, "The job store failed.", cause: error)
        }
        return JobsError(.storage, reason(error), cause: error)
    }

    private static func reason(_ error: DatabaseError) -> String {
        switch error.resultCode {
        case .SQLITE_FULL: "The disk is full: free some space, then try again."
        case .SQLITE_IOERR: "Reading from or writing to the disk failed."
        case .SQLITE_BUSY, .SQLITE_LOCKED: "The job database is in use by another program."
        case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_CANTOPEN: "The job database is not writable."
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: "The job database is damaged."
        case .SQLITE_TOOBIG: "A value is too large for the job database."
        default: "The job store failed."
        }
    }
}
