import Jobs

extension RedisFleet {
    private enum Turn {
        case mine
        case made([UInt8])
        case wait
    }

    func once(
        _ name: String,
        lifetime: Duration,
        _ make: @Sendable () async throws -> [UInt8]
    ) async throws -> [UInt8] {
        let token = JobID.new.text
        while true {
            switch try await turn(for: name, token, lifetime) {
            case .made(let bytes): return bytes
            case .wait: try await end(ofMaking: name, token, lifetime)
            case .mine: return try await made(name, token, lifetime, make)
            }
        }
    }

    private func made(
        _ name: String,
        _ token: String,
        _ lifetime: Duration,
        _ make: @Sendable () async throws -> [UInt8]
    ) async throws -> [UInt8] {
        let bytes: [UInt8]
        do {
            bytes = try await make()
        } catch {
            _ = try? await call(FleetScripts.endClaim, [name, token])
            throw error
        }
        await keep(bytes, name, token, lifetime)
        return bytes
    }

    /// Keeps what was made, as soon as Redis can be reached: it must not be made again, and others wait for it.
    private func keep(_ bytes: [UInt8], _ name: String, _ token: String, _ lifetime: Duration) async {
        for attempt in 1...10 {
            do {
                _ = try await call(FleetScripts.endClaim, [name, token, lifetime.redisMilliseconds, bytes])
                return
            } catch {
                // A back-off: the connection mends itself meanwhile.
                try? await Task.sleep(for: .milliseconds(100 * attempt))
            }
        }
    }

    private func turn(for name: String, _ token: String, _ lifetime: Duration) async throws -> Turn {
        let answer = try await call(FleetScripts.claim, [name, server, token, lifetime.redisMilliseconds])
        switch answer {
        case .string(let bytes): return .made(bytes)
        case .integer(1): return .mine
        default: return .wait
        }
    }

    /// Waits until it is told that another server has made it, or cannot; and looks each second whether that server lives,
    /// for a death tells nobody.
    private func end(ofMaking name: String, _ token: String, _ lifetime: Duration) async throws {
        let bell = try await subscriber.messages(of: prefix + "fleet:once:" + name, isPattern: false)
        // It may have been made before the subscription stood.
        if case .wait = try await turn(for: name, token, lifetime) {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { for await _ in bell { return } }
                group.addTask { try? await Task.sleep(for: .seconds(1)) }
                await group.next()
                group.cancelAll()
            }
        }
        try Task.checkCancellation()
    }
}
