import CRabbitMQ

/// A channel or the whole connection is over.
enum AMQPClosed: Error {
    /// The server closed a channel: something on it was refused. The connection goes on.
    case channel(UInt16, code: Int, text: String)
    /// The connection is lost, refused, or closed.
    case connection(CeleryError)

    /// A status of librabbitmq as a lost connection.
    static func lost(_ status: Int32) -> AMQPClosed {
        .connection(CeleryError(.connectionLost, "The connection to RabbitMQ was lost: \(words(status))."))
    }

    /// What librabbitmq says of a status.
    static func words(_ status: Int32) -> String {
        if status == AMQP_STATUS_HEARTBEAT_TIMEOUT.rawValue { return "no sign of life for two heartbeats" }
        return String(cString: amqp_error_string2(status))
    }

    /// The server's refusal as an error for callers.
    static func error(code: Int, text: String) -> CeleryError {
        switch code {
        case 403, 530: CeleryError(.refused, "RabbitMQ refuses: \(text)")
        case 320: CeleryError(.connectionLost, "RabbitMQ closed the connection: \(text)")
        default: CeleryError(.server, "RabbitMQ says no: \(text)")
        }
    }

    /// The error for callers.
    var error: CeleryError {
        switch self {
        case .channel(_, let code, let text): Self.error(code: code, text: text)
        case .connection(let error): error
        }
    }
}
