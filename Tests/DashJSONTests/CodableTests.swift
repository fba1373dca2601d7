import DashJSON
import Foundation
import Testing

@Suite("Codable values as JSON")
struct CodableTests {
    struct Order: JSONCodable, Equatable {
        enum Size: String, Codable { case small, large }
        enum Payment: Codable, Equatable { case cash, card(number: String) }

        struct Item: Codable, Equatable {
            var name: String
            var price: Double
            var count: UInt8 = 1
            var size = Size.small
        }

        var id = 7
        var note: String?
        var isPaid = false
        var items: [Item] = []
        var stock: [String: Int] = [:]
        var grid: [[Float]] = []
        var payment = Payment.cash
    }

    private let order = Order(
        note: "ü \u{2028}",
        items: [Order.Item(name: "pen", price: 1.5), Order.Item(name: "ink", price: 9, count: 255, size: .large)],
        stock: ["b": 2, "a": 1],
        grid: [[1, 0.5], []],
        payment: .card(number: "42")
    )

    @Test("a structure with synthesized Codable members survives a round trip")
    func both() throws {
        let json = try JSON(encoding: order)
        #expect(
            json == [
                "id": 7, "note": "ü \u{2028}", "isPaid": false,
                "items": [
                    ["name": "pen", "price": 1.5, "count": 1, "size": "small"],
                    ["name": "ink", "price": 9, "count": 255, "size": "large"],
                ],
                "stock": ["a": 1, "b": 2], "grid": [[1, 0.5], []], "payment": ["card": ["number": "42"]],
            ]
        )
        #expect(try json.decoded(as: Order.self) == order)
        #expect(try Order(json: JSON(parsing: order.jsonBytes())) == order)
        #expect(try [Order?](json: [order, nil].json) == [order, nil])
    }

    @Test("nil members are omitted, missing ones are decoded as nil; keys of dictionaries are sorted")
    func shape() throws {
        #expect(try JSON(encoding: Order())["note"].isNull)
        #expect(try JSON(encoding: Order()).objectValue?["note"] == nil)
        #expect(try JSON(encoding: ["b": 2, "c": 3, "a": 1]).text == #"{"a":1,"b":2,"c":3}"#)
        #expect(try JSON(encoding: 3) == 3)
        #expect(try JSON(encoding: Int?.none) == .null)
        #expect(try JSON(encoding: [1, nil]) == [1, nil])
        #expect(try JSON.null.decoded(as: Int?.self) == nil)
    }

    @Test(
        "a value of another shape is rejected with its path",
        arguments: [
            (["id": 7.5], "id"), (["id": 1], "isPaid"),
            (["id": 1, "isPaid": true, "items": [["name": "pen", "price": 1, "count": 256]]], "count"),
            (["id": 1, "isPaid": true, "items": ["pen"]], "items"), ([1, 2], "an object"),
        ] as [(JSON, String)]
    )
    func refused(json: JSON, place: String) {
        let error = #expect(throws: DecodingError.self) { try json.decoded(as: Order.self) }
        #expect("\(error.map { "\($0)" } ?? "")".contains(place))
    }

    @Test("superclasses and nested containers")
    func containers() throws {
        let json = try JSON(encoding: Nested())
        #expect(json == ["list": [1, [2, nil], ["inner": "x"]], "super": ["y": 2], "z": ["y": 3]])
        _ = try json.decoded(as: Nested.self)
    }

    @Test(
        "members may be any JSON, also with Foundation's coders",
        arguments: ["null", "[]", #"{"a":[1,2.5,true,null,"x"]}"#]
    )
    func anyJSON(text: String) throws {
        struct Note: JSONCodable, Equatable {
            var data: JSON
            var more: JSONObject = ["n": 1]
        }
        let note = Note(data: try JSON(parsing: text))
        #expect(note.jsonText == #"{"data":\#(text),"more":{"n":1}}"#)
        #expect(try Note(json: note.json) == note)
        let other = try JSONDecoder().decode(Note.self, from: JSONEncoder().encode(note))
        #expect(other == note)
        #expect(throws: DecodingError.self) { try (["data": nil, "more": 1] as JSON).decoded(as: Note.self) }
    }

    @Test("the writer keeps the error of a value that does not encode, and writes null")
    func failure() {
        var writer = JSONWriter()
        writer.array(of: [Stubborn(), Stubborn()])
        #expect(writer.bytes == Array("[null,null]".utf8))
        #expect(writer.failure is Stubborn.Refusal)
        var fine = JSONWriter()
        order.encode(to: &fine)
        #expect(fine.failure == nil)
    }
}

/// A type that cannot be encoded.
private struct Stubborn: JSONCodable {
    struct Refusal: Error {}

    func encode(to encoder: any Encoder) throws { throw Refusal() }
}

/// Uses nested containers and checks each of them.
private struct Nested: Codable {
    enum Key: String, CodingKey { case list, z, inner }

    init() {}

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        #expect(Set(container.allKeys) == [.list, .z])
        var list = try container.nestedUnkeyedContainer(forKey: .list)
        #expect(try list.decode(Int.self) == 1)
        var inner = try list.nestedUnkeyedContainer()
        #expect(try inner.decode(Int.self) == 2)
        #expect(try inner.decodeNil())
        #expect(inner.isAtEnd)
        #expect(throws: DecodingError.self) { try inner.decode(Int.self) }
        #expect(try list.nestedContainer(keyedBy: Key.self).decode(String.self, forKey: .inner) == "x")
        #expect(try container.superDecoder().singleValueContainer().decode([String: Int].self) == ["y": 2])
        #expect(try container.superDecoder(forKey: .z).singleValueContainer().decode([String: Int].self) == ["y": 3])
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        var list = container.nestedUnkeyedContainer(forKey: .list)
        try list.encode(1)
        var inner = list.nestedUnkeyedContainer()
        try inner.encode(2)
        try inner.encodeNil()
        var object = list.nestedContainer(keyedBy: Key.self)
        try object.encode("x", forKey: .inner)
        #expect(list.count == 3)
        try ["y": 2].encode(to: container.superEncoder())
        try ["y": 3].encode(to: container.superEncoder(forKey: .z))
    }
}
