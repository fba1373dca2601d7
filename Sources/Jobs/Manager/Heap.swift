/// A queue whose first element is always a least one.
struct Heap<Element: Comparable & Sendable>: Sendable {
    private var elements: [Element] = []

    var first: Element? { elements.first }
    var isEmpty: Bool { elements.isEmpty }
    var count: Int { elements.count }

    mutating func insert(_ element: Element) {
        elements.append(element)
        var index = elements.count - 1
        while index > 0 {
            let parent = (index - 1) / 2
            guard elements[index] < elements[parent] else { return }
            elements.swapAt(index, parent)
            index = parent
        }
    }

    mutating func popFirst() -> Element? {
        guard elements.count > 1 else { return elements.popLast() }
        elements.swapAt(0, elements.count - 1)
        let least = elements.removeLast()
        sink()
        return least
    }

    /// Lets the elements go that are not wanted any more.
    mutating func keep(where isWanted: (Element) -> Bool) {
        let kept = elements.filter(isWanted)
        elements = []
        for element in kept { insert(element) }
    }

    /// Moves the element at the top down to where it belongs.
    private mutating func sink() {
        var index = 0
        while true {
            var least = index
            for child in (2 * index + 1)...(2 * index + 2) where child < elements.count {
                if elements[child] < elements[least] { least = child }
            }
            guard least != index else { return }
            elements.swapAt(index, least)
            index = least
        }
    }
}
