import Testing

@testable import Jobs

@Suite
struct FrameTests {
    static let frames: [Frame] = [
        .job(run: .max, WorkerTask(id: "i", name: "näme", payload: [0, 255])), .cancel(run: 2), .ready(buildID: "abc"),
        .started(run: 3), .progress(run: 4, []), .setProps(run: 5, Array("[]".utf8)), .succeeded(run: 6, [1]),
        .failed(run: 7, WorkerFailure(kind: .error, code: "c", message: "m", trace: "t")), .cancelled(run: 8),
        .failed(run: 9, WorkerFailure(kind: .error, code: "", message: "", trace: nil)),
    ]

    @Test("every frame is decoded as it was encoded", arguments: frames)
    func roundTrip(frame: Frame) throws {
        let bytes = frame.bytes
        #expect(Frame.length(bytes.prefix(4)) == bytes.count - 4)
        #expect(try Frame(Array(bytes.dropFirst(4))) == frame)
    }

    @Test("a truncated or unknown frame is rejected")
    func broken() {
        for frame in Self.frames {
            #expect(throws: FrameError.self) { try Frame(Array(frame.bytes.dropFirst(4).prefix(8))) }
        }
        #expect(throws: FrameError.self) { try Frame([99, 0, 0, 0, 0, 0, 0, 0, 0]) }
        #expect(throws: FrameError.self) { try Frame([]) }
        let job = Frame.job(run: 1, WorkerTask(id: "an id", name: "a name")).bytes
        #expect(throws: FrameError.self) { try Frame(Array(job.dropFirst(4).dropLast(1))) }
    }
}
