import DashJSON
import Plotly
import Testing

@Suite("figures")
struct FigureTests {
    /// The figure of the progress example.
    func progressGraph(_ progress: Int, of total: Int) -> Figure {
        go.Figure(
            data: [go.Bar(x: [progress])],
            layout: dict(
                xaxis: dict(range: [0, total]),
                yaxis: dict(showticklabels: false),
                height: 100,
                margin: dict(t: 20, b: 40)
            )
        )
    }

    @Test("a figure is created as in Python and encoded for Plotly")
    func progressFigure() {
        #expect(
            progressGraph(3, of: 10).jsonText
                == #"{"data":[{"type":"bar","x":[3]}],"layout":{"xaxis":{"range":[0,10]},"#
                + #""yaxis":{"showticklabels":false},"height":100,"margin":{"t":20,"b":40}}}"#
        )
    }

    @Test("a figure is a value with mutable parts")
    func isAValue() {
        var figure = progressGraph(1, of: 2)
        let before = figure
        figure.layout["height"] = 200
        figure.data[0]["x"] = [9]
        figure.data.append(go.Scatter(y: [1.5, 2]))
        #expect(before == progressGraph(1, of: 2))
        #expect(figure != before)
        #expect(figure.json["data"][0]["x"] == [9])
        #expect(figure.json["data"][1]["type"] == "scatter")
        #expect(figure.layout["height"] == 200)
    }

    @Test("a figure from the browser is decoded with all its parts")
    func roundTrips() throws {
        let text = #"{"frames":[{"name":"a"}],"layout":{"title":{"text":"t"}},"data":[{"type":"bar","y":[1,null]}]}"#
        let value = try JSON(parsing: text)
        let figure = try Figure(json: value)
        #expect(figure.data == [["type": "bar", "y": [1, nil]]])
        #expect(figure.layout["title"]["text"] == "t")
        #expect(figure.others["frames"]?[0]["name"] == "a")
        #expect(figure.json == value)
        #expect(try JSON(parsing: figure.jsonBytes()) == value)
    }

    @Test("an empty figure has empty parts, and other values are rejected")
    func emptyAndWrong() throws {
        #expect(go.Figure().jsonText == #"{"data":[],"layout":{}}"#)
        #expect(try Figure(json: [:]) == go.Figure())
        #expect(throws: JSONError.self) { try Figure(json: 3) }
        #expect(throws: JSONError.self) { try Figure(json: ["data": [1]]) }
    }
}
