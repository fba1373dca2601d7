import CDashSpawn
import Dispatch
import Foundation
import Testing

@testable import Jobs

@Suite("Frames from a socket", .timeLimit(.minutes(1)))
struct FrameSourceTests {
    private let ends: DescriptorPair

    init() throws { ends = try DescriptorPair("Making a socket pair", dash_socket_pair) }

    /// Writes on another thread, as the socket buffer is limited, and closes.
    private func write(_ pieces: [[UInt8]]) {
        let descriptor = ends.first
        DispatchQueue.global().async {
            for piece in pieces { _ = dash_write_all(descriptor, piece, piece.count) }
            close(descriptor)
        }
    }

    private func frames() -> [Frame] {
        var source = FrameSource(descriptor: ends.second)
        var frames: [Frame] = []
        while let frame = source.next() { frames.append(frame) }
        return frames
    }

    @Test("arrive complete, for any fragmentation and length, until the socket is closed")
    func cut() {
        let sizes = [0, 1, 5_000, 40_000, 16_384 - 17, 16_384, 3, 1_000_000, 2]
        let sent = sizes.enumerated().map { index, size in
            Frame.succeeded(run: UInt64(index), [UInt8](repeating: UInt8(index), count: size))
        }
        let bytes = sent.flatMap(\.bytes)
        let piece = 777
        write(stride(from: 0, to: bytes.count, by: piece).map { Array(bytes[$0..<min($0 + piece, bytes.count)]) })
        #expect(frames() == sent)
    }

    @Test("that arrive together are all returned")
    func together() {
        let sent = (1...500).map { Frame.cancel(run: $0) }
        write([sent.flatMap(\.bytes)])
        #expect(frames() == sent)
    }

    @Test("end at a truncated, oversized or invalid frame")
    func broken() throws {
        let good = Frame.cancel(run: 1)
        write([good.bytes, Array(Frame.cancel(run: 2).bytes.dropLast())])
        #expect(frames() == [good])
        for rubbish: [UInt8] in [[255, 255, 255, 255, 1, 2], [0, 0, 0, 2, 77, 0]] {
            let other = try FrameSourceTests()
            other.write([good.bytes, rubbish])
            #expect(other.frames() == [good])
        }
    }
}
