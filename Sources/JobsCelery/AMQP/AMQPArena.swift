import CRabbitMQ

/// Memory for what one call to librabbitmq points at. Used on the connection's thread only.
final class AMQPArena {
    private var pool = amqp_pool_t()

    init() {
        init_amqp_pool(&pool, 16 << 10)
    }

    deinit {
        empty_amqp_pool(&pool)
    }

    /// Everything that was handed out is void from now on.
    func reset() {
        recycle_amqp_pool(&pool)
    }

    /// Room for values of a C type.
    func room<Value>(for count: Int, of type: Value.Type) -> UnsafeMutablePointer<Value>? {
        guard count > 0 else { return nil }
        return amqp_pool_alloc(&pool, count * MemoryLayout<Value>.stride)?.bindMemory(to: type, capacity: count)
    }

    /// A text as bytes of C.
    func bytes(_ text: String) -> amqp_bytes_t {
        var text = text
        return text.withUTF8 { copy(UnsafeRawBufferPointer($0)) }
    }

    private func copy(_ source: UnsafeRawBufferPointer) -> amqp_bytes_t {
        guard let start = source.baseAddress, !source.isEmpty,
            let room = amqp_pool_alloc(&pool, source.count)
        else { return amqp_bytes_t(len: 0, bytes: nil) }
        room.copyMemory(from: start, byteCount: source.count)
        return amqp_bytes_t(len: source.count, bytes: room)
    }
}

extension amqp_bytes_t {
    /// The bytes as text; what is no UTF-8 becomes the replacement character.
    var text: String {
        String(decoding: UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : len), as: UTF8.self)
    }

    /// A copy of the bytes.
    var array: [UInt8] {
        [UInt8](UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : len))
    }
}
