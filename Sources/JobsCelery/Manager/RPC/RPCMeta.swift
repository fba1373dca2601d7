import DashJSON
import Jobs

/// What a worker tells a web server of a Dash job without a result backend: Celery's meta with a member `dash` of ours, which
/// holds what only the web server reads.
struct RPCMeta: Sendable {
    /// What is told.
    enum News: Sendable {
        case started(process: Int32)
        case update(progress: [PropertyValue], props: [PropertyValue])
        case succeeded([UInt8])
        case failed(WorkerFailure)
        case cancelled
    }

    var id: JobID
    var news: News

    /// The text of the meta.
    ///
    /// - Parameters:
    ///   - value: What other programs get as the result.
    ///   - now: Milliseconds since 1970.
    func text(value: RawJSON = .null, now: Int64) -> [UInt8] {
        var writer = JSONWriter(capacity: value.bytes.count * 2 + 512)
        writer.object { meta in
            meta.member("status", status.rawValue)
            meta.member("result", result(value))
            meta.member("traceback", JSON.text(trace))
            meta.member("children", [JSON]())
            meta.member("date_done", status.isReady ? JSON.string(ISO8601.text(now)) : .null)
            meta.member("dash", RawJSON(unchecked: details))
            meta.member("task_id", id.text)
        }
        return writer.bytes
    }

    private var status: TaskState {
        switch news {
        case .started: .started
        case .update: .progress
        case .succeeded: .success
        case .failed: .failure
        case .cancelled: .revoked
        }
    }

    private func result(_ value: RawJSON) -> RawJSON {
        switch news {
        case .started, .update, .succeeded: value
        case .failed(let failure): RawJSON(TaskException(failure))
        case .cancelled: RawJSON(TaskException.revoked("terminated"))
        }
    }

    private var trace: String? {
        if case .failed(let failure) = news { failure.trace } else { nil }
    }

    private var details: [UInt8] {
        var writer = JSONWriter()
        writer.object { details in
            switch news {
            case .started(let process): details.member("process", Int(process))
            case .update(let progress, let props):
                details.member("progress", progress)
                details.member("props", props)
            case .succeeded(let result): details.member("result", RawJSON(unchecked: result))
            case .failed(let failure):
                details.member("kind", failure.kind.rawValue)
                details.member("code", failure.code)
                details.member("message", failure.message)
            case .cancelled: break
            }
        }
        return writer.bytes
    }
}

extension RPCMeta.News {
    /// Reads the meta of a Dash job; nil for another's.
    init?(reading text: [UInt8]) {
        guard let members = try? JSONScanner.membersByName(of: text[...]), let own = members["dash"],
            let details = try? JSONScanner.membersByName(of: own), let status = members["status"]
        else { return nil }
        func string(_ name: String) -> String? {
            details[name].flatMap { try? JSON(parsing: Array($0)) }?.stringValue
        }
        switch String(decoding: status.filter { $0 != UInt8(ascii: "\"") }, as: UTF8.self) {
        case TaskState.started.rawValue:
            let process = details["process"].flatMap { Int32(String(decoding: $0, as: UTF8.self)) }
            self = .started(process: process ?? 0)
        case TaskState.progress.rawValue:
            self = .update(
                progress: details["progress"].flatMap { PropertyValue.list(from: Array($0)) } ?? [],
                props: details["props"].flatMap { PropertyValue.list(from: Array($0)) } ?? []
            )
        case TaskState.success.rawValue: self = .succeeded(details["result"].map { Array($0) } ?? [])
        case TaskState.failure.rawValue:
            self = .failed(
                WorkerFailure(
                    kind: string("kind").flatMap(WorkerFailure.Kind.init(rawValue:)) ?? .error,
                    code: string("code") ?? "",
                    message: string("message") ?? "",
                    trace: members["traceback"].flatMap { try? JSON(parsing: Array($0)) }?.stringValue
                )
            )
        case TaskState.revoked.rawValue: self = .cancelled
        default: return nil
        }
    }
}
