internal import CDashSpawn

#if canImport(Darwin)
internal import Darwin
#else
internal import Glibc
#endif

/// A worker process that was just started, with this process's ends of its socket and of its output.
struct ChildLaunch: Sendable {
    let handle: ChildHandle
    let socket: Int32
    let output: Int32

    /// Starts a worker. The calling thread must live as long as the worker: on Linux the worker dies with it.
    ///
    /// - Throws: ``SystemError`` if the program cannot be run or the system has no room.
    init(_ configuration: WorkerPoolConfiguration) throws {
        let channel = try DescriptorPair("Making a socket pair", dash_socket_pair)
        let pipe: DescriptorPair
        do { pipe = try DescriptorPair("Making a pipe", dash_pipe) } catch {
            channel.closeBoth()
            throw error
        }
        do {
            let pid = try Self.spawn(configuration, channel: channel.second, output: pipe.second)
            handle = ChildHandle(pid: pid)
        } catch {
            channel.closeBoth()
            pipe.closeBoth()
            throw error
        }
        close(channel.second)
        close(pipe.second)
        dash_set_nonblocking(pipe.first)
        socket = channel.first
        output = pipe.first
    }

    private static func spawn(
        _ configuration: WorkerPoolConfiguration,
        channel: Int32,
        output: Int32
    ) throws -> pid_t {
        let environment = ChildEnvironment.lines(base: ChildEnvironment.current, extra: configuration.environment)
        var pid: pid_t = 0
        let failed = withCStrings(configuration.arguments) { arguments in
            withCStrings(environment) { environment in
                configuration.executable.withCString { path in
                    "worker".withCString { role in
                        var request = dash_spawn_request(
                            path: path,
                            arguments: arguments,
                            environment: environment,
                            role: role,
                            output: output,
                            channel: channel,
                            own_group: true,
                            null_input: true
                        )
                        return dash_spawn(&request, &pid)
                    }
                }
            }
        }
        try SystemError.check(failed, "Starting \(configuration.executable)")
        return pid
    }
}

/// Two descriptors that belong together.
struct DescriptorPair: Sendable {
    let first: Int32
    let second: Int32

    /// Makes a pair with one of the shim's functions.
    init(_ attempt: String, _ make: (UnsafeMutablePointer<Int32>) -> Int32) throws {
        var ends: [Int32] = [-1, -1]
        try SystemError.check(make(&ends), attempt)
        (first, second) = (ends[0], ends[1])
    }

    func closeBoth() {
        close(first)
        close(second)
    }
}
