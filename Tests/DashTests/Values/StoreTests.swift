import DashJSON
import Testing

@testable import Dash

@Suite("Stores")
struct StoreTests {
    struct Cart: JSONCodable, Equatable { var items: [String] = [] }
    struct Broken: JSONCodable {
        struct Refusal: Error {}
        func encode(to encoder: any Encoder) throws { throw Refusal() }
    }

    private let cart = dcc.Store.id("cart")

    private func app() -> DashApp {
        let app = DashApp()
        app.callback(Output(cart.data.as(Cart.self)), Input(run.nClicks), State(cart.data.as(Cart?.self))) { n, cart in
            Cart(items: (cart?.items ?? []) + ["apple \(n ?? 0)"])
        }
        return app
    }

    private func request(data: JSON) throws -> JSON {
        var body = try click(2, output: "cart.data")
        body["state"] = [["id": "cart", "property": "data", "value": data]]
        return body
    }

    @Test("A Codable value round-trips; an empty store is nil")
    func typed() async throws {
        #expect(try await app().reply(request(data: nil))["response"]["cart"]["data"] == ["items": ["apple 2"]])
        let more = try await app().reply(request(data: ["items": ["pear"]]))
        #expect(more["response"]["cart"]["data"] == ["items": ["pear", "apple 2"]])
    }

    @Test("Data of another shape is rejected with the property and the member")
    func older() async throws {
        let error = await #expect(throws: DashError.self) { try await app().reply(request(data: ["items": [7]])) }
        #expect(error?.message.contains("cart.data") == true)
        #expect(error?.description.contains("items") == true)
    }

    @Test("A value that cannot be encoded fails the callback and does not clear the store")
    func broken() async throws {
        let app = DashApp()
        app.callback(Output(cart.data.as(Broken.self)), Input(run.nClicks)) { _ in Broken() }
        let error = await #expect(throws: DashError.self) { try await app.reply(click(1, output: "cart.data")) }
        #expect(error?.code == .wrongResult)
        #expect(error?.cause is Broken.Refusal)
    }

    @Test("The storage type is encoded", arguments: StorageType.allCases)
    func types(type: StorageType) throws {
        let store = dcc.Store(id: cart, storageType: type, data: Cart(items: ["pear"]))
        #expect(store.json["props"]["storage_type"] == .string(type.rawValue))
        #expect(store.json["props"]["data"] == ["items": ["pear"]])
        #expect(try StorageType(json: .string(type.rawValue)) == type)
        #expect(throws: DashError.self) { try StorageType(json: "cookie") }
    }
}
