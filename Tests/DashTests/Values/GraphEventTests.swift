import DashJSON
import Testing

@testable import Dash

@Suite("Graph events")
struct GraphEventTests {
    // The browser's values for a bar chart with customdata.
    private let click: JSON = [
        "points": [
            [
                "curveNumber": 1, "pointNumber": 2, "pointIndex": 2, "x": "b", "y": 3.5, "label": "b", "value": 3.5,
                "text": "note", "customdata": ["id": 7], "bbox": ["x0": 1, "x1": 2, "y0": 3, "y1": 4],
            ],
            ["curveNumber": 2, "pointNumber": [0, 1], "pointNumbers": [4, 5], "z": 9],
        ]
    ]

    @Test("A click has points with trace, position and customdata")
    func clicked() throws {
        let event = try GraphEvent(json: click)
        let point = try #require(event.points.first)
        #expect(point.curveNumber == 1 && point.pointNumber == 2 && point.text == "note")
        #expect(point.x == "b" && point.y == 3.5 && point.z.isNull && point.label == "b" && point.value == 3.5)
        #expect(point.customdata["id"] == 7 && point["pointIndex"] == 2)
        #expect(event.points[1].pointNumbers == [4, 5] && event.points[1].pointNumber == nil)
        #expect(event.box["x1"] == 2)
        #expect(event.json == click)
        #expect(try GraphPoint(json: point.json) == point)
    }

    @Test("Selections by box and by lasso")
    func selected() throws {
        let box: JSON = ["points": [["x": 1]], "range": ["x": [0, 2.5], "y": [1, 9]]]
        let selection = try GraphSelection(json: box)
        #expect(selection.points.map(\.x) == [1])
        #expect(selection.range == ["x": [0, 2.5], "y": [1, 9]] && selection.lassoPoints.isEmpty)
        #expect(selection.json == box)
        let lasso = try GraphSelection(json: ["points": [], "lassoPoints": ["x": [0, 1, 2], "y": [1, 9, 3]]])
        #expect(lasso.lassoPoints["y"] == [1, 9, 3] && lasso.range.isEmpty && lasso.points.isEmpty)
    }

    @Test("A zoom in both of Plotly's formats, and its reset")
    func zoomed() throws {
        let drag = try RelayoutData(json: ["xaxis.range[0]": 1, "xaxis.range[1]": 2.5, "dragmode": "pan"])
        #expect(drag.range(of: "xaxis") == [1, 2.5] && drag.range(of: "yaxis") == nil && drag["dragmode"] == "pan")
        #expect(!drag.isAutomatic("xaxis"))
        #expect(try RelayoutData(json: ["yaxis2.range": [3, 4]]).range(of: "yaxis2") == [3, 4])
        #expect(try RelayoutData(json: ["xaxis.autorange": true]).isAutomatic("xaxis"))
        #expect(try !RelayoutData(json: ["autosize": true]).isAutomatic("yaxis"))
    }

    @Test("A click on the legend")
    func restyled() throws {
        let json: JSON = [["visible": ["legendonly", true], "name": ["x"], "opacity": 0.5], [0, 3]]
        let change = try RestyleData(json: json)
        #expect(change.value("visible", ofTrace: 0) == "legendonly" && change.value("visible", ofTrace: 3) == true)
        #expect(change.value("name", ofTrace: 3) == "x" && change.value("opacity", ofTrace: 3) == 0.5)
        #expect(change.value("visible", ofTrace: 1).isNull && change.value("other", ofTrace: 0).isNull)
        #expect(change.json == json)
    }

    @Test("A missing event is nil; an invalid one is rejected")
    func refused() throws {
        #expect(try GraphEvent?(json: nil) == nil)
        #expect(throws: JSONError.self) { try GraphEvent(json: "click") }
        #expect(throws: JSONError.self) { try RestyleData(json: [["visible": true]]) }
        #expect(try GraphEvent(json: ["points": 7]).points.isEmpty)
    }

    @Test("A callback receives typed events")
    func callback() async throws {
        let graph = dcc.Graph.id("button_id"), app = DashApp()
        app.callback(Output(paragraph.children), Input(graph.clickData)) { event in
            "\(event?.points.first?.customdata["id"] ?? "nothing")"
        }
        var body = try anyRequest()
        body["inputs"] = [["id": "button_id", "property": "clickData", "value": click]]
        #expect(try await app.reply(body)["response"]["paragraph_id"]["children"] == "7")
        body["inputs"] = [["id": "button_id", "property": "clickData"]]
        #expect(try await app.reply(body)["response"]["paragraph_id"]["children"] == "\"nothing\"")
    }
}

/// A request of a click; the suite has its own `click`.
private func anyRequest() throws -> JSON { try click() }
