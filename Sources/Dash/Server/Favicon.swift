/// The icon of pages without one of their own: three bars, drawn here, as a 16 × 16 Windows icon file.
enum Favicon {
    private static let side = 16
    private static let barHeights = [5, 9, 13]
    private static let blue: [UInt8] = [0xD9, 0x72, 0x1E, 0xFF]  // BGRA
    private static let clear: [UInt8] = [0, 0, 0, 0]

    /// The file's bytes: a directory of one image, its bitmap header, the pixels from the bottom row up, an empty mask.
    static let bytes: [UInt8] = {
        let pixels = (0..<side).flatMap { row in (0..<side).flatMap { column in pixel(row, column) } }
        let mask = [UInt8](repeating: 0, count: side * 4)
        let header = numbers(40, 4) + numbers(side, 4) + numbers(2 * side, 4) + numbers(1, 2) + numbers(32, 2)
        let image = header + [UInt8](repeating: 0, count: 24) + pixels + mask
        let directory = numbers(0, 2) + numbers(1, 2) + numbers(1, 2)
        let entry = [UInt8(side), UInt8(side), 0, 0] + numbers(1, 2) + numbers(32, 2) + numbers(image.count, 4)
        return directory + entry + numbers(22, 4) + image
    }()

    private static func pixel(_ rowFromBottom: Int, _ column: Int) -> [UInt8] {
        let bar = column / 5
        let isGap = column % 5 == 4 || column == 15
        guard !isGap, bar < barHeights.count, rowFromBottom >= 1, rowFromBottom <= barHeights[bar] else { return clear }
        return blue
    }

    private static func numbers(_ value: Int, _ width: Int) -> [UInt8] {
        (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}
