import DashJSON
import HTTPTypes
import Hummingbird
import Jobs
import NIOCore
import Synchronization

/// A stored response: status, headers and body.
struct KeptResponse: Sendable {
    private let status: Int
    private let headers: [[String]]
    private let body: [UInt8]

    /// Reads the body of a response, which must be in memory.
    init(_ response: Response) async throws {
        status = response.status.code
        headers = response.headers.map { [$0.name.rawName, $0.value] }
        body = try await response.bodyBytes
    }

    /// Decodes ``bytes``.
    ///
    /// - Throws: `JSONError`, ``DashError``.
    init(decoding bytes: [UInt8]) throws {
        let json = try JSON(parsing: bytes)
        status = try Int(json: json["status"])
        headers = try [[String]](json: json["headers"])
        body = Array(try String(json: json["body"]).utf8)
    }

    /// The response as JSON; the body is text.
    var bytes: [UInt8] {
        var writer = JSONWriter(capacity: body.count + 256)
        writer.object { object in
            object.member("status", status)
            object.member("headers", headers)
            object.member("body", String(decoding: body, as: UTF8.self))
        }
        return writer.bytes
    }

    var response: Response {
        var fields = HTTPFields()
        for pair in headers where pair.count == 2 {
            if let name = HTTPField.Name(pair[0]) { fields.append(HTTPField(name: name, value: pair[1])) }
        }
        return Response(
            status: HTTPResponse.Status(code: status),
            headers: fields,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: body))
        )
    }
}

extension Response {
    /// The body of a response, which must be in memory.
    var bodyBytes: [UInt8] {
        get async throws {
            let collector = BodyCollector()
            try await body.write(collector)
            return collector.bytes.withLock { $0 }
        }
    }
}

private final class BodyCollector: ResponseBodyWriter, Sendable {
    let bytes = Mutex<[UInt8]>([])

    func write(_ buffer: ByteBuffer) async throws {
        bytes.withLock { $0 += buffer.readableBytesView }
    }

    func write(contentsOf buffers: some Sequence<ByteBuffer>) async throws {
        for buffer in buffers { try await write(buffer) }
    }

    func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
