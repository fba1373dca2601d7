internal import CDashSpawn
internal import Support

/// Which build of the program this is: a server and its workers must be of one.
public enum BuildID {
    /// The build of this process's executable: its linker's build id where it has one, else a text made of its size and
    /// time of change. The same file gives the same text in every process.
    public static let current: String = linkerBuildID() ?? fileIdentity() ?? "unknown"

    private static func linkerBuildID() -> String? {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { buffer in
            let count = dash_build_id(buffer.baseAddress, buffer.count)
            guard count > 0 else { return nil }
            return Hexadecimal.text(buffer.prefix(Int(count)))
        }
    }

    private static func fileIdentity() -> String? {
        var size: Int64 = 0
        var nanoseconds: Int64 = 0
        guard dash_file_identity(OwnExecutable.path, &size, &nanoseconds) == 0 else { return nil }
        return "file-" + String(size, radix: 16) + "-" + String(nanoseconds, radix: 16)
    }
}

/// Where this process's own executable is.
enum OwnExecutable {
    /// On Linux the running file itself, even if another has taken its place on the disk.
    static let path: String = {
        var buffer = [CChar](repeating: 0, count: 4096)
        guard dash_own_executable(&buffer, buffer.count) == 0 else { return CommandLine.arguments[0] }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }()
}

/// How many cores there are to work on.
enum ProcessorCount {
    /// The cores that are in use by the system, at least 1.
    static let online: Int = max(1, Int(dash_processor_count()))
}
