import DashJSON
import HTTPTypes
import Hummingbird
import NIOCore

/// The answers that routes give. The renderer takes 200 and 204 as success and nothing else (dash-protocol §0).
enum Answers {
    static let jsonType = "application/json"
    static let htmlType = "text/html; charset=utf-8"
    static let textType = "text/plain; charset=utf-8"

    /// 200 with JSON that is already encoded.
    static func json(_ bytes: [UInt8]) -> Response {
        bytesAnswer(bytes, type: jsonType)
    }

    /// 200 with a page.
    static func html(_ text: String) -> Response {
        bytesAnswer(Array(text.utf8), type: htmlType)
    }

    /// Bytes of a content type.
    static func bytesAnswer(_ bytes: [UInt8], type: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status,
            headers: [.contentType: type],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        )
    }

    /// 204: no update, or the end of a background callback.
    static var noContent: Response { Response(status: .noContent) }

    /// A sentence, with a status that is no success.
    static func text(_ status: HTTPResponse.Status, _ sentence: String) -> Response {
        bytesAnswer(Array(sentence.utf8), type: textType, status: status)
    }

    /// The refusal of a poll, with a sentence that our script shows.
    static func notice(_ status: HTTPResponse.Status, _ sentence: String) -> Response {
        var response = text(status, sentence)
        response.headers[.dashNotice] = sentence
        return response
    }

    /// Another address for the same page; never given to a request of the renderer.
    static func moved(to path: String, status: HTTPResponse.Status = .permanentRedirect) -> Response {
        Response(status: status, headers: [.location: path])
    }
}
