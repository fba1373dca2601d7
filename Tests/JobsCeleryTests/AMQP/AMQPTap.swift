import DashJSON
import NIOCore
import NIOPosix
import Synchronization

@testable import JobsCelery

/// A proxy to RabbitMQ that records the client's frames as JSON in the format of the recordings.
final class AMQPTap: Sendable {
    let port: Int
    private let said = Mutex<[[UInt8]]>([])
    private let listener = Mutex<(any Channel)?>(nil)

    private init(port: Int) {
        self.port = port
    }

    deinit { listener.withLock { $0 }?.close(promise: nil) }

    static func start(to target: Int) async throws -> AMQPTap {
        let tap = AMQPTap(port: try freePort())
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { [weak tap] client in
                guard let tap else { return client.close() }
                let number = tap.said.withLock { said in
                    said.append([])
                    return said.count - 1
                }
                return ClientBootstrap(group: client.eventLoop).connect(host: "127.0.0.1", port: target)
                    .flatMapThrowing { server in
                        try client.pipeline.syncOperations.addHandler(Wire(to: server) { tap.note($0, of: number) })
                        try server.pipeline.syncOperations.addHandler(Wire(to: client) { _ in })
                    }
                    .flatMap { client.setOption(.autoRead, value: true) }
            }
            .bind(host: "127.0.0.1", port: tap.port).get()
        tap.listener.withLock { $0 = channel }
        return tap
    }

    private func note(_ bytes: ByteBuffer, of connection: Int) {
        said.withLock { $0[connection] += bytes.readableBytesView }
    }

    /// All frames of all connections; a message with its properties and body is one element.
    var frames: [JSON] {
        said.withLock { $0 }.flatMap { Self.frames(of: $0.dropFirst(8)) }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func frames(of bytes: ArraySlice<UInt8>) -> [JSON] {
        var rest = bytes
        var frames: [JSON] = []
        while rest.count >= 8 {
            let size = rest.dropFirst(3).prefix(4).reduce(0) { $0 << 8 | Int($1) }
            guard rest.count >= size + 8 else { break }
            let payload = Array(rest.dropFirst(7).prefix(size))
            switch rest.first {
            case 1: frames.append(AMQPFrameReader.method(payload))
            case 2: frames[frames.count - 1]["properties"] = AMQPFrameReader.properties(payload)
            case 3:
                let text = String(validating: payload, as: UTF8.self)
                frames[frames.count - 1][text == nil ? "body_hex" : "body"] = .string(text ?? Self.hex(payload))
            default: break
            }
            rest = rest.dropFirst(size + 8)
        }
        return frames
    }
}

private final class Wire: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let other: any Channel
    private let note: (ByteBuffer) -> Void

    init(to other: any Channel, _ note: @escaping (ByteBuffer) -> Void) {
        self.other = other
        self.note = note
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        note(bytes)
        other.writeAndFlush(bytes, promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        other.close(promise: nil)
    }
}
