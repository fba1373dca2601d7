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
            (go.Bar, "bar"), (go.Barpolar, "barpolar"), (go.Box, "box"), (go.Candlestick, "candlestick"),
            (go.Carpet, "carpet"), (go.Choropleth, "choropleth"), (go.Choroplethmap, "choroplethmap"),
            (go.Cone, "cone"), (go.Contour, "contour"), (go.Contourcarpet, "contourcarpet"),
            (go.Densitymap, "densitymap"), (go.Funnel, "funnel"), (go.Funnelarea, "funnelarea"),
            (go.Heatmap, "heatmap"), (go.Histogram, "histogram"), (go.Histogram2d, "histogram2d"),
            (go.Histogram2dContour, "histogram2dcontour"), (go.Icicle, "icicle"), (go.Image, "image"),
            (go.Indicator, "indicator"), (go.Isosurface, "isosurface"), (go.Mesh3d, "mesh3d"), (go.Ohlc, "ohlc"),
            (go.Parcats, "parcats"), (go.Parcoords, "parcoords"), (go.Pie, "pie"), (go.Quiver, "quiver"),
            (go.Sankey, "sankey"),
            (go.Scatter, "scatter"), (go.Scatter3d, "scatter3d"), (go.Scattercarpet, "scattercarpet"),
            (go.Scattergeo, "scattergeo"), (go.Scattergl, "scattergl"), (go.Scattermap, "scattermap"),
            (go.Scatterpolar, "scatterpolar"), (go.Scatterpolargl, "scatterpolargl"),
            (go.Scattersmith, "scattersmith"), (go.Scatterternary, "scatterternary"), (go.Splom, "splom"),
            (go.Streamtube, "streamtube"), (go.Sunburst, "sunburst"), (go.Surface, "surface"), (go.Table, "table"),
            (go.Treemap, "treemap"), (go.Violin, "violin"), (go.Volume, "volume"), (go.Waterfall, "waterfall"),
        ]
        #expect(makers.allSatisfy { $0.type == $1 })
    }
}
