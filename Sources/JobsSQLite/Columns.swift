import DashJSON
import Foundation
import Jobs

/// Conversions of values to and from columns.
enum Columns {
    static func blob(_ bytes: [UInt8]) -> Data { Data(bytes) }

    static func bytes(_ data: Data?) -> [UInt8] { data.map(Array.init) ?? [] }

    static func time(_ milliseconds: Int64?) -> WallTime? { milliseconds.map(WallTime.init(milliseconds:)) }

    /// `[limit, first wait, factor, longest wait]`, waits in milliseconds; nil for none.
    static func text(of retries: RetryPolicy) -> String? {
        guard retries.limit > 0 else { return nil }
        let backoff = retries.backoff
        let first = Int(backoff.first.wholeMilliseconds)
        let longest = Int(backoff.longest.wholeMilliseconds)
        return JSON.array([.int(retries.limit), .int(first), .double(backoff.factor), .int(longest)]).jsonText
    }

    static func retries(_ text: String?) -> RetryPolicy {
        guard let json = parsed(text), let limit = json[0].intValue, let first = json[1].intValue,
            let factor = json[2].doubleValue, let longest = json[3].intValue
        else { return .none }
        let backoff = RetryPolicy.Backoff.exponential(
            first: .milliseconds(first),
            factor: factor,
            longest: .milliseconds(longest)
        )
        return .upTo(limit, backoff: backoff)
    }

    /// `[kind, code, message, trace]`
    static func text(of failure: JobFailure?) -> String? {
        guard let failure else { return nil }
        let trace = failure.trace.map(JSON.string) ?? .null
        return JSON.array([.string(failure.kind.rawValue), .string(failure.code), .string(failure.message), trace])
            .jsonText
    }

    static func failure(_ text: String?) -> JobFailure? {
        guard let json = parsed(text), let kind = json[0].stringValue, let code = json[1].stringValue,
            let message = json[2].stringValue
        else { return nil }
        return JobFailure(kind: .init(rawValue: kind), code: code, message: message, trace: json[3].stringValue)
    }

    /// `[poll, from, through]`
    static func text(of delivery: Delivery?) -> String? {
        delivery.map { "[\($0.poll),\($0.from),\($0.through)]" }
    }

    static func delivery(_ text: String?) -> Delivery? {
        guard let json = parsed(text), let poll = json[0].intValue, let from = json[1].intValue,
            let through = json[2].intValue
        else { return nil }
        return Delivery(poll: poll, from: from, through: through)
    }

    private static func parsed(_ text: String?) -> JSON? {
        text.flatMap { try? JSON(parsing: $0) }
    }
}
