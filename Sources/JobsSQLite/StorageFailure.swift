import GRDB
import Jobs

/// Sentences for what can go wrong with the file.
enum StorageFailure {
    static func opening(_ path: String, _ error: DatabaseError) -> JobsError {
        switch error.resultCode {
        case .SQLITE_NOTADB, .SQLITE_CORRUPT:
            JobsError(.storage, "\(path) is damaged or no file of jobs. Move it away to begin anew.", cause: error)
        default:
            JobsError(.storage, "\(path) could not be opened. \(reason(error))", cause: error)
        }
    }

    static func using(_ error: any Error) -> JobsError {
        if let error = error as? JobsError { return error }
        guard let error = error as? DatabaseError else {
            return JobsError(.storage, "The store of jobs failed.", cause: error)
        }
        return JobsError(.storage, reason(error), cause: error)
    }

    private static func reason(_ error: DatabaseError) -> String {
        switch error.resultCode {
        case .SQLITE_FULL: "The disk is full: free some space, then try again."
        case .SQLITE_IOERR: "The disk gave an error in reading or writing."
        case .SQLITE_BUSY, .SQLITE_LOCKED: "The file of jobs is in use by another program."
        case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_CANTOPEN: "The file of jobs may not be written."
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: "The file of jobs is damaged."
        case .SQLITE_TOOBIG: "A value is too large for the file of jobs."
        default: "The store of jobs failed."
        }
    }
}
