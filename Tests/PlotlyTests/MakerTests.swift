import DashJSON
import Plotly
import Testing

@Suite("makers of traces and objects")
struct MakerTests {
    @Test("dict keeps the order and accepts any encodable values")
    func dictionary() {
        let title: String? = nil
        let points = [1.5, 2]
        let value = dict(z: 1, a: "text", points: points, class: title, flags: [true], more: dict(x: ["a": 1]))
        #expect(
            value.text == #"{"z":1,"a":"text","points":[1.5,2],"class":null,"flags":[true],"more":{"x":{"a":1}}}"#
        )
        #expect(dict() == [:])
    }

    @Test("a trace has its type first and omits nil")
    func traces() {
        let name: String? = nil
        #expect(
            go.Pie(labels: ["a"], values: [1], name: name).jsonText == #"{"type":"pie","labels":["a"],"values":[1]}"#
        )
        #expect(go.Heatmap(z: [[1, 2], [3, 4]]).jsonText == #"{"type":"heatmap","z":[[1,2],[3,4]]}"#)
        #expect(TraceMaker(type: "carpet")(a: [1]).jsonText == #"{"type":"carpet","a":[1]}"#)
    }

    @Test("gaps in data are nil or NaN and encoded as null")
    func gaps() {
        #expect(go.Scatter(y: [1, nil, 3]).jsonText == #"{"type":"scatter","y":[1,null,3]}"#)
        #expect(go.Scatter(y: [1, .nan]).jsonText == #"{"type":"scatter","y":[1,null]}"#)
    }

    @Test("makers have the names of Python and the types of plotly.js")
    func names() {
        let makers: [(TraceMaker, String)] = [
            (go.Bar, "bar"), (go.Scatter, "scatter"), (go.ScatterGL, "scattergl"), (go.Histogram2D, "histogram2d"),
            (go.OHLC, "ohlc"), (go.Scatter3D, "scatter3d"), (go.FunnelArea, "funnelarea"),
            (go.ChoroplethMap, "choroplethmap"),
        ]
        #expect(makers.allSatisfy { $0.type == $1 })
    }
}
